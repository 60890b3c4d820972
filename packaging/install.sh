#!/bin/sh
# Installs, upgrades and removes gate, from the unpacked release archive that this file lies in.
# It may be run again at any time: what is as it should be stays as it is.
set -eu

usage() {
  cat <<'END'
usage: install.sh [options] [CREDENTIALS-FOLDER]

  --credentials DIR  put the files of a credentials folder (.env, certificate.pem, private.key, …) into /etc/gate
  --upgrade          replace the installed release; goes back to it by itself when this one does not come up
  --key FILE         trust this public key alone (PEM), and not those that the archive brings
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

action=install credentials='' prefix='' start=yes key=''
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage; exit 0 ;;
    --credentials) [ $# -ge 2 ] || wrong_use "$1 needs a folder"; credentials=$2; shift ;;
    --prefix) [ $# -ge 2 ] || wrong_use "$1 needs a folder"; prefix=${2%/}; start=no; shift ;;
    --key) [ $# -ge 2 ] || wrong_use "$1 needs a file"; key=$2; shift ;;
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
  rm -f -- "$units/multi-user.target.wants/gate.service" "$units/multi-user.target.wants/gate-update.path" \
    "$units/multi-user.target.wants/gate-recover.service"
  for unit in gate.service gate-update.path gate-update.service gate-recover.service; do
    rm -f -- "$units/$unit"
  done
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

# The files are those that the manifest names, and the manifest is signed.
check_files() {
  listed=$(sed -n 's/^    "\(.*\)": "\([0-9a-f]\{64\}\)",\{0,1\}$/\2  \1/p' "$here/manifest.json")
  broken=$(cd "$here" && printf '%s\n' "$listed" | sha256sum --check --quiet 2>/dev/null | head -n 3) || true
  here_now=$(cd "$here" && find . -type f | wc -l)
  if [ -n "$broken" ] || [ "$here_now" -ne $(($(printf '%s\n' "$listed" | wc -l) + 2)) ]; then
    problem "the files are not those of the release (${broken:-there are others among them}): unpack the archive again, and if that is no help get it again"
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
  # of what is installed nobody has to be believed: its Node and its keys judge the new release
  judge=$here keys=$here/release-keys
  if [ -n "$before" ] && [ -x "$opt/current/bin/node" ] && [ -d "$opt/current/release-keys" ]; then
    judge=$opt/current keys=$opt/current/release-keys
  fi
  [ -z "$key" ] || keys=$key
  "$judge/bin/node" "$judge/app/src/updater/main.js" verify "$here" "$keys" >/dev/null 2>&1 ||
    problem "the release is not signed by a key that is trusted ($keys): get it from where the one before came from"
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
[ -n "$prefix" ] || command -v docker >/dev/null 2>&1 ||
  say "note: there is no Docker; add-ons that are containers need it, all others do not"

# --- installation ------------------------------------------------------------------------------------------------

put_release() {
  releases=$opt/releases
  mkdir -p -- "$releases" "$opt/update"
  chmod 755 "$opt" "$releases" "$opt/update"
  if [ "$here" != "$(readlink -m -- "$releases/$version")" ] && ! [ -f "$releases/$version/manifest.json" ]; then
    rm -rf -- "$releases/.incoming-$version"
    mkdir -- "$releases/.incoming-$version"
    (cd "$here" && tar --create --file=- .) |
      (cd "$releases/.incoming-$version" && tar --extract --no-same-owner --file=-)
    sync -f "$releases"
    rm -rf -- "${releases:?}/$version"
    mv -T -- "$releases/.incoming-$version" "$releases/$version"
  fi
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
      [ -f "$file" ] && install -m 640 -- "$file" "$etc/$(basename -- "$file")"
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
  install -m 644 -- "$here"/packaging/systemd/* "$units/"
  install -m 644 -- "$here/packaging/udev/70-gate.rules" "$rules/70-gate.rules"
  for unit in gate.service gate-update.path gate-recover.service; do
    ln -sf -- "/etc/systemd/system/$unit" "$units/multi-user.target.wants/$unit"
  done
  ln -sfn -- /opt/gate/current/bin/gate "$command"
  ! has_systemd || systemctl daemon-reload
  if [ -z "$prefix" ] && command -v udevadm >/dev/null 2>&1; then
    { udevadm control --reload && udevadm trigger --subsystem-match=tty; } 2>/dev/null || true
  fi
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
  say "next: $scheme://${address:-localhost}:$port/docs shows the API; settings are in $etc/.env"
}

umask 022
if [ "$action" = upgrade ] && [ "$before" != "$version" ] && [ "$start" = yes ]; then
  [ -z "$credentials" ] || put_settings
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
if ! running && ! systemctl start gate.service; then
  journalctl --unit=gate.service --lines=15 --no-pager --output=cat >&2 || true
  fail "gate $version is installed and does not start: see above, or journalctl --unit=gate"
fi
tell
