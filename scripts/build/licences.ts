/** The packages that are carried inside the bundles, and their licences, as those licences ask for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Metafile } from 'esbuild';

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(licen[cs]e|copying|notice)/i;

/** Their folders below the project's root, sorted. @param others folders of packages that came in another way */
export function bundledFolders(metafiles: readonly Metafile[], others: readonly string[] = []): string[] {
  const folders = new Set(others.map((folder) => relative('.', folder)));
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const folder = PACKAGE.exec(path)?.[1];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders].sort();
}

/** Whether there is a file with the words of its licence in this folder. */
export function hasLicence(folder: string): boolean {
  return readdirSync(folder).some((file) => LICENCE.test(file));
}

/** One text: each package with its version, the name of its licence and the licence's words. */
export function licencesOf(folders: readonly string[]): string {
  const sections = folders.map((folder) => {
    const { name, version, license, author, repository } = readPackage(folder);
    const title = `${name} ${version} (${license ?? 'see below'})`;
    const words = readdirSync(folder)
      .filter((file) => LICENCE.test(file) && existsSync(join(folder, file)))
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
    if (words.length > 0) return [title, ...words].join('\n\n');
    const standard = STANDARD_WORDS[String(license)];
    if (standard === undefined) throw new Error(`${folder} has no file with the words of its licence`);
    const whose = author?.name ?? author ?? `the authors of ${repository?.url ?? repository ?? name}`;
    return `${title}\n\nThe package has no file with the words of its licence. As SPDX has them:\n\nCopyright (c) ${whose}\n\n${standard}`;
  });
  return `${sections.join('\n\n----------------------------------------\n\n')}\n`;
}

function readPackage(folder: string) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to
whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
const ISC = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR
CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF
CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`;
const BSD_3_CLAUSE = `Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following
disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following
disclaimer in the documentation and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote products
derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING,
BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO
EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR
CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR
PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR
TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
POSSIBILITY OF SUCH DAMAGE.`;

/** For packages that name a licence and bring no words of it. */
const STANDARD_WORDS: Readonly<Record<string, string>> = {
  MIT,
  ISC,
  'BSD-3-Clause': BSD_3_CLAUSE,
  // taken under the first
  '(MIT OR GPL-2.0)': MIT,
};
