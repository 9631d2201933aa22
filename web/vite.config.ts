import { svelte } from '@sveltejs/vite-plugin-svelte';
import emojiWords from 'emojilib';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import emojiGroups from 'unicode-emoji-json/data-by-group.json' with { type: 'json' };
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the server, and what it passes on to it. */
const server = process.env.KENOMA_URL ?? 'http://localhost:4000';
const passedOn = ['/api', '/oauth', '/auth', '/setup', '/media', '/proxy', '/.well-known', '/nodeinfo'];

export default defineConfig({
  plugins: [svelte(), emojiNames(), precompress()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    cssTarget: ['chrome125', 'firefox128', 'safari17.5'], // light-dark() stays as it is.
    cssCodeSplit: false, // One file of some 12 kB, compressed, is quicker than a dozen.
    rolldownOptions: {
      // What several pages share comes in one piece.
      output: {
        codeSplitting: {
          groups: [
            { name: 'base', minShareCount: 3 },
            // Small, and part of the first view.
            { name: 'base', test: /src\/(state\/(theme|shortcuts)|parts\/SearchBox)/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(passedOn.map((path) => [path, { target: server, ws: path === '/api' }])),
  },
  // Tests run the code of the browser, not of server rendering.
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'happy-dom',
  },
});

/** How many words an emoji is found by besides its name; each more costs some 4 kB, compressed. */
const moreWords = 2;

/** Makes `virtual:emoji-names`: every emoji of Unicode, in its groups, one a line. */
function emojiNames(): Plugin {
  const id = 'virtual:emoji-names';
  const words: Record<string, string[]> = emojiWords;
  const line = ({ emoji, name }: { emoji: string; name: string }) => {
    const more = (words[emoji] ?? []).map((w) => w.replaceAll('_', ' ')).filter((w) => !name.includes(w));
    return [emoji, name, more.slice(0, moreWords).join(' ')].join('\t').trim();
  };
  const text = () => emojiGroups.flatMap((g) => [`# ${g.name}`, ...g.emojis.map(line)]).join('\n');
  return {
    name: 'emoji-names',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? `export default ${JSON.stringify(text())}` : undefined),
  };
}

/** Writes a .br and a .gz file beside every text file of the build that gets smaller by it. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: (config) => void (folder = join(config.root, config.build.outDir)),
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|svg|json|webmanifest)$/.test(name)) continue;
        const file = join(folder, name);
        const bytes = readFileSync(file);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        for (const [end, small] of [
          ['.gz', gzipSync(bytes, { level: 9 })],
          ['.br', brotliCompressSync(bytes, { params })],
        ] as const) {
          if (small.length < bytes.length) writeFileSync(file + end, small);
        }
      }
    },
  };
}
