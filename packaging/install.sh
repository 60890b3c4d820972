#!/bin/sh
# Installs, upgrades and removes gate, from the unpacked release archive that this file lies in.
# It may be run again at any time: what is as it should be stays as it is, and what is damaged is put right.
set -eu

usage() {
  cat <<'END'
usage: install.sh [options] [CREDENTIALS-FOLDER]

  --credentials DIR  put the files of a credentials folder (.env, certificate.pem, private.key, …) into /etc/gate
  --upgrade          replace the installed release; goes back to it by itself when this one does not come up
  --key FILE         trust this public key alone (PEM), and not those that the archive brings
  --docker           let gate use Docker, for protocols as containers. Who may use Docker is as mighty as root
  --no-docker        take that back
  --prefix DIR       install below DIR, for an image; nothing is started
  --no-start         install, and start with the next boot
  --uninstall        remove gate; settings and data stay
  --purge            remove gate with its settings and data
  --help             show this

Exit codes: 0 done · 1 it could not be done · 2 wrong use.
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
wrong_use() { printf 'install.sh: %s (--help shows what there is)\n' "$*" >&2; exit 2; }

action=install credentials='' prefix='' start=yes key='' docker=''
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage; exit 0 ;;
    --credentials) [ $# -ge 2 ] || wrong_use "$1 needs a folder"; credentials=$2; shift ;;
    --prefix) [ $# -ge 2 ] || wrong_use "$1 needs a folder"; prefix=${2%/}; start=no; shift ;;
    --key) [ $# -ge 2 ] || wrong_use "$1 needs a file"; key=$2; shift ;;
    --docker) docker=yes ;;
    --no-docker) docker=no ;;
    --no-start) start=no ;;
    --upgrade) action=upgrade ;;
    --uninstall) action=uninstall ;;
    --purge) action=purge ;;
    -*) wrong_use "there is no $1" ;;
    *) [ -z "$credentials" ] || wrong_use "one credentials folder is enough"; credentials=$1 ;;
  esac
  shift
done

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
opt=$prefix/opt/gate
etc=$prefix/etc/gate
data=$prefix/var/lib/gate
units=$prefix/etc/systemd/system
rules=$prefix/etc/udev/rules.d
drop_in=$units/gate.service.d
command=$prefix/usr/local/bin/gate

# Parts of a machine that runs; an image has none.
has_systemd() { [ -z "$prefix" ] && [ -d /run/systemd/system ]; }
running() { has_systemd && systemctl --quiet is-active gate.service; }
installed_version() { [ ! -L "$opt/current" ] || basename -- "$(readlink -- "$opt/current")"; }
from_manifest() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$here/manifest.json"; }

# --- removal -----------------------------------------------------------------------------------------------------

remove() {
  [ "$(id -u)" = 0 ] || fail "only root can remove gate: try again with sudo"
  if has_systemd; then
    for unit in gate-update.path gate-recover.service gate.service gate-update.service; do
      systemctl --quiet disable --now "$unit" 2>/dev/null || true
    done
  fi
  if [ "$action" = purge ] && [ -z "$prefix" ] && [ -x "$opt/current/bin/gate" ]; then
    # what protocols left with the container engine is found by the store, so it goes first
    said=$("$opt/current/bin/gate" factory-reset --yes 2>&1) || say "note: $said"
  fi
  rm -f -- "$units/multi-user.target.wants/gate.service" "$units/multi-user.target.wants/gate-update.path" \
    "$units/multi-user.target.wants/gate-recover.service"
  for unit in gate.service gate-update.path gate-update.service gate-recover.service; do
    rm -f -- "$units/$unit"
  done
  rm -f -- "$drop_in/docker.conf"
  [ "$action" != purge ] || rm -rf -- "$drop_in" # of the operator's own making (systemctl edit): settings too
  [ ! -d "$drop_in" ] || rmdir --ignore-fail-on-non-empty -- "$drop_in"
  rm -f -- "$rules/70-gate.rules" "$prefix/usr/lib/sysusers.d/gate.conf" "$prefix/usr/lib/tmpfiles.d/gate.conf"
  [ ! -L "$command" ] || rm -f -- "$command"
  rm -rf -- "$opt"
  if has_systemd; then
    systemctl daemon-reload
    systemctl reset-failed 'gate*' 2>/dev/null || true
  fi
  if [ "$action" = purge ]; then
    rm -rf -- "$etc" "$data"
    if [ -z "$prefix" ] && id -u gate >/dev/null 2>&1; then userdel gate 2>/dev/null || true; fi
    say "gate is removed, with its settings and data"
  else
    say "gate is removed; its settings are in $etc and its data in $data"
  fi
}

case $action in uninstall | purge) remove; exit 0 ;; esac

# --- checks: all of them, and all that is wrong at once ----------------------------------------------------------

problems=''
problem() { problems="$problems  - $*
"; }

free_mb() {
  folder=$1
  while [ ! -d "$folder" ]; do folder=$(dirname -- "$folder"); done
  df -Pm -- "$folder" | awk 'NR == 2 { print $4 }'
}

# The value of a setting as the gateway will have it; the credentials folder goes over what is there.
setting() {
  for file in "$credentials/.env" "$etc/.env"; do
    [ -f "$file" ] || continue
    value=$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*[\"']\{0,1\}\([^\"'#[:space:]]*\).*/\1/p" "$file" | tail -n 1)
    [ -z "$value" ] || { printf '%s' "$value"; return; }
  done
  printf '%s' "$2"
}

# Does anybody listen on this TCP port? (State 0A is LISTEN: proc(5).)
port_taken() {
  hex=$(printf ':%04X' "$1")
  awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

check_machine() {
  [ "$(id -u)" = 0 ] || problem "only root can install gate: try again with sudo"
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) machine=$(uname -m) ;;
  esac
  if [ -z "$prefix" ] && [ "$machine" != "$arch" ]; then
    problem "this archive is for $arch, and this machine is $machine: take the archive for it"
  elif [ -z "$prefix" ] && ! "$here/bin/node" --version >/dev/null 2>&1; then
    problem "the archive's Node does not run here: it needs a 64-bit system with the GNU C library 2.28 or newer, as Debian 11 has it"
  fi
  if [ "$start" = yes ] && ! has_systemd; then
    problem "there is no running systemd, which starts gate and keeps it up: use --no-start to put the files in place all the same"
  fi
  if has_systemd; then
    has=$(systemctl --version | awk 'NR == 1 { print $2 }')
    [ "${has%%[!0-9]*}" -ge 247 ] ||
      problem "systemd is of version $has: it has to be 247 or newer, as in Debian 11"
  fi
  built=$(from_manifest date)
  if [ "$start" = yes ] && [ "$(date -u +%Y%m%d)" -lt "$(printf '%s' "${built%T*}" | tr -d -)" ]; then
    problem "the clock says $(date -u '+%Y-%m-%d %H:%M') UTC, but this release is of ${built%T*}: set the clock (timedatectl set-ntp true)"
  fi
}

check_room() {
  [ "$(free_mb "$opt")" -ge 400 ] || problem "there is less than 400 MB left for $opt: make room"
  [ "$(free_mb "$data")" -ge 200 ] || problem "there is less than 200 MB left for $data: make room"
  [ -z "$prefix" ] && ! running || return 0
  for named in PORT:1234 LOCAL_BROKER_PORT:1883; do
    port=$(setting "${named%:*}" "${named#*:}")
    case $port in
      '' | *[!0-9]*) problem "${named%:*} is \"$port\", not a port: correct $etc/.env" ;;
      *) if port_taken "$port"; then
        problem "port $port is taken: end the program that listens there, or set ${named%:*} in $etc/.env"
      fi ;;
    esac
  done
}

check_given() {
  if [ -n "$credentials" ] && ! [ -f "$credentials/.env" ] && ! [ -f "$credentials/certificate.pem" ]; then
    problem "$credentials is no credentials folder: it has neither .env nor certificate.pem"
  fi
  [ -z "$key" ] || [ -f "$key" ] || problem "there is no file $key"
  if [ "$docker" = yes ] && ! grep -q '^docker:' "$prefix/etc/group" 2>/dev/null; then
    problem "there is no group docker: install Docker first (apt install docker.io), or leave out --docker"
  fi
  before=$(installed_version)
  if [ "$action" = install ] && [ -n "$before" ] && [ "$before" != "$version" ]; then
    problem "gate $before is installed: use --upgrade to put $version in its place"
  fi
  if [ -e "$opt/update/state.json" ]; then
    problem "an update is under way: wait for its end (gate update shows it)"
  fi
  if [ "$action" = upgrade ] && [ -z "$before" ]; then
    problem "there is no gate here to upgrade: leave out --upgrade"
  fi
}

# What is wrong with the files of a release, by the manifest of the one that this file lies in; nothing when all is well.
faults() { # FOLDER
  listed=$(sed -n 's/^    "\(.*\)": "\([0-9a-f]\{64\}\)",\{0,1\}$/\2  \1/p' "$here/manifest.json")
  (cd "$1" && printf '%s\n' "$listed" | sha256sum --check --quiet 2>/dev/null | head -n 3) || true
  there=$(cd "$1" && find . -type f | wc -l)
  [ "$there" -eq $(($(printf '%s\n' "$listed" | wc -l) + 2)) ] || printf 'there are %s files\n' "$there"
}

# The installed release of this version: its files, that they are root's alone, and that its programs can be run.
is_whole() { # FOLDER
  for file in manifest.json manifest.json.sig; do cmp -s -- "$here/$file" "$1/$file" || return 1; done
  for file in bin/node bin/gate install.sh; do [ -x "$1/$file" ] || return 1; done
  [ -z "$(find "$1" \( ! -user root -o \( ! -type l -perm /022 \) -o \( -type d ! -perm -055 \) \) -print -quit)" ] &&
    [ "$(cd "$1" && find . -type l -printf '%p %l\n' | sort)" = "$(cd "$here" && find . -type l -printf '%p %l\n' | sort)" ] &&
    [ -z "$(faults "$1")" ]
}

# The files are those that the manifest names, and the manifest is signed.
check_files() {
  broken=$(faults "$here")
  if [ -n "$broken" ]; then
    problem "the files are not those of the release ($(printf '%s' "$broken" | head -n 1)): unpack the archive again, and if that is no help get it again"
    return
  fi
  if [ "$machine" != "$arch" ]; then
    # an image for another machine: its Node does not run here
    [ -z "$key" ] ||
      openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$here/manifest.json" \
        -sigfile "$here/manifest.json.sig" >/dev/null 2>&1 ||
      problem "the release is not signed by $key, or there is no openssl 3 here to tell"
    return
  fi
  # the keys of what is installed judge the new release, and its Node; not where it is the same one, which may be damaged
  judge=$here keys=$here/release-keys
  if [ -n "$before" ] && ! cmp -s -- "$here/manifest.json" "$opt/current/manifest.json"; then
    if [ -d "$opt/current/release-keys" ]; then keys=$opt/current/release-keys; fi
    if "$opt/current/bin/node" --version >/dev/null 2>&1; then judge=$opt/current; fi
  fi
  [ -z "$key" ] || keys=$key
  said=$("$judge/bin/node" "$judge/app/src/updater/main.js" verify "$here" "$keys" 2>&1) && return
  case $said in
    *'not signed by'*)
      problem "the release is not signed by a key that is trusted ($keys): get it from where the one before came from" ;;
    *) problem "the release could not be judged: $(printf '%s\n' "$said" | head -n 1)" ;;
  esac
}

[ -f "$here/manifest.json" ] || fail "this is no release of gate: $here has no manifest.json"
version=$(from_manifest version) arch=$(from_manifest arch)
before='' machine=''
check_machine
check_room
check_given
check_files
if [ -n "$problems" ]; then
  printf 'install.sh: gate %s cannot be installed here:\n%s' "$version" "$problems" >&2
  exit 1
fi

[ "$(from_manifest development)" != true ] ||
  say "note: this release is signed with a development key, which nobody vouches for"
if [ -n "$prefix" ] || [ -n "$docker" ] || [ -e "$drop_in/docker.conf" ]; then
  : # it is known what is wanted
elif command -v docker >/dev/null 2>&1; then
  say "note: there is Docker here, and gate may not use it; --docker lets it, which makes gate as mighty as root"
else
  say "note: there is no Docker; add-ons that are containers need it, all others do not"
fi

# --- installation ------------------------------------------------------------------------------------------------

put_release() {
  releases=$opt/releases
  mkdir -p -- "$releases" "$opt/update"
  chmod 755 "$opt" "$releases" "$opt/update"
  rm -rf -- "$releases"/.incoming-* "$releases"/.damaged-*
  if [ "$here" = "$(readlink -m -- "$releases/$version")" ]; then return; fi
  if [ -d "$releases/$version" ]; then
    if is_whole "$releases/$version"; then return; fi
    say "the files of gate $version are damaged: they are put in place anew"
  fi
  mkdir -- "$releases/.incoming-$version"
  (cd "$here" && tar --create --file=- .) |
    (cd "$releases/.incoming-$version" && tar --extract --no-same-owner --file=-)
  # whatever the umask was when the archive was unpacked
  chmod -R u+rwX,go+rX,go-w "$releases/.incoming-$version"
  sync -f "$releases"
  if [ -d "$releases/$version" ]; then
    ! running || { systemctl stop gate.service && restart=yes; }
    mv -T -- "$releases/$version" "$releases/.damaged-$version"
  fi
  mv -T -- "$releases/.incoming-$version" "$releases/$version"
  rm -rf -- "$releases/.damaged-$version"
}

point() { # LINK VERSION
  ln -s -- "releases/$2" "$opt/.$1.new"
  mv -T -- "$opt/.$1.new" "$opt/$1"
}

put_user() {
  install -D -m 644 -- "$here/packaging/sysusers/gate.conf" "$prefix/usr/lib/sysusers.d/gate.conf"
  install -D -m 644 -- "$here/packaging/tmpfiles/gate.conf" "$prefix/usr/lib/tmpfiles.d/gate.conf"
  [ -z "$prefix" ] || return 0 # made at the first boot
  getent group dialout >/dev/null || groupadd --system dialout
  id -u gate >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/gate --no-create-home --shell /usr/sbin/nologin \
      --groups dialout gate
}

put_settings() {
  mkdir -p -- "$etc" "$data/update"
  if [ -n "$credentials" ]; then
    for file in "$credentials"/* "$credentials"/.env; do
      [ -f "$file" ] || continue
      cmp -s -- "$file" "$etc/$(basename -- "$file")" && continue
      install -m 640 -- "$file" "$etc/$(basename -- "$file")"
      ! running || restart=yes
    done
  fi
  [ -e "$etc/.env" ] || install -m 640 -- "$here/packaging/config.env" "$etc/.env"
  chmod 750 "$etc"
  chmod 700 "$data" "$data/update"
  find "$etc" -type f -exec chmod u+rw,g-wx,o-rwx {} +
  [ -z "$prefix" ] || return 0
  chgrp -R gate "$etc"
  # a certificate that the cloud renews takes the place of the one before
  chown gate:gate "$etc" "$data" "$data/update"
}

put_units() {
  mkdir -p -- "$units/multi-user.target.wants" "$rules" "$(dirname -- "$command")"
  ! running || cmp -s -- "$here/packaging/systemd/gate.service" "$units/gate.service" || restart=yes
  install -m 644 -- "$here"/packaging/systemd/* "$units/"
  install -m 644 -- "$here/packaging/udev/70-gate.rules" "$rules/70-gate.rules"
  for unit in gate.service gate-update.path gate-recover.service; do
    ln -sf -- "/etc/systemd/system/$unit" "$units/multi-user.target.wants/$unit"
  done
  ln -sfn -- /opt/gate/current/bin/gate "$command"
  put_docker
  ! has_systemd || systemctl daemon-reload
  if [ -z "$prefix" ] && command -v udevadm >/dev/null 2>&1; then
    { udevadm control --reload && udevadm trigger --subsystem-match=tty; } 2>/dev/null || true
  fi
}

# In a drop-in of its own: updates replace the unit.
put_docker() {
  case $docker in
    yes)
      mkdir -p -- "$drop_in"
      printf '%s\n' '# by install.sh --docker; --no-docker takes it back. Who is in this group is as mighty as root.' \
        '[Service]' 'SupplementaryGroups=docker' >"$drop_in/docker.conf.new"
      chmod 644 "$drop_in/docker.conf.new"
      if cmp -s -- "$drop_in/docker.conf.new" "$drop_in/docker.conf"; then
        rm -f -- "$drop_in/docker.conf.new"
        return
      fi
      mv -T -- "$drop_in/docker.conf.new" "$drop_in/docker.conf"
      say "gate may use Docker from now on, which makes it as mighty as root" ;;
    no)
      [ -e "$drop_in/docker.conf" ] || return 0
      rm -f -- "$drop_in/docker.conf"
      rmdir --ignore-fail-on-non-empty -- "$drop_in" ;;
    *) return 0 ;;
  esac
  ! running || restart=yes
}

tell() {
  port=$(setting PORT 1234)
  scheme=http
  [ "$(setting TLS off)" = off ] && [ -z "$(setting TLS_CERT '')" ] || scheme=https
  address=$(hostname -I 2>/dev/null | awk '{ print $1 }')
  say "gate $version is up: $scheme://${address:-localhost}:$port"
  if [ -f "$data/first-client.json" ]; then
    id=$(sed -n 's/.*"clientId": "\([^"]*\)".*/\1/p' "$data/first-client.json")
    say "first client: $id, scope admin; its secret is in $data/first-client.json until it has logged in"
  else
    say "first client: it has logged in already; gate clients list shows who may call"
  fi
  say "next: open $scheme://${address:-localhost}:$port/ in a browser and log in; settings are in $etc/.env"
}

umask 022
restart=no
if [ "$action" = upgrade ] && [ "$before" != "$version" ] && [ "$start" = yes ]; then
  [ -z "$credentials" ] || put_settings
  put_docker
  ! has_systemd || systemctl daemon-reload
  put_release
  # from here on systemd's: it goes on when this terminal is gone
  exec "$opt/updater/bin/gate" --data-folder "$data" update --staged "$version"
fi

put_release
point current "$version"
point updater "$version"
put_user
put_settings
put_units
if [ "$start" = no ]; then
  say "gate $version is in place${prefix:+ below $prefix}; it starts with the next boot"
  exit 0
fi
systemctl start gate-update.path
say "gate $version is starting …"
# a unit of type notify: this returns when the API answers
if ! running; then systemctl start gate.service || restart=failed
elif [ "$restart" = yes ]; then systemctl restart gate.service || restart=failed; fi
if [ "$restart" = failed ]; then
  journalctl --unit=gate.service --lines=15 --no-pager --output=cat >&2 || true
  fail "gate $version is installed and does not start: see above, or journalctl --unit=gate"
fi
tell
