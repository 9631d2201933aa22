import { describe, expect, it } from 'vitest';
import { draw, plain, type Meaning } from './html';

function html(source: string, meaning?: Meaning): string {
  const box = document.createElement('div');
  box.append(draw(source, meaning));
  return box.innerHTML;
}

const tea = { shortcode: 'tea', url: '/tea.gif', static_url: '/tea.png', visible_in_picker: true };

describe('draw', () => {
  const cases: [name: string, source: string, want: string, meaning?: Meaning][] = [
    ['keeps paragraphs and breaks', '<p>One<br>two</p><p>three</p>', '<p>One<br>two</p><p>three</p>'],
    [
      'keeps the text of unknown elements',
      '<p>a <font color="red">b</font> <x-y>c</x-y></p>',
      '<p>a b c</p>',
    ],
    ['drops scripts with their text', '<p>a<script>alert(1)</script><style>p{}</style></p>', '<p>a</p>'],
    ['drops attributes', '<p onclick="x()" style="color:red" id="a">a</p>', '<p>a</p>'],
    ['keeps only known classes', '<span class="invisible evil">a</span>', '<span class="invisible">a</span>'],
    ['links to nothing but known schemes', '<a href="javascript:alert(1)">a</a>', '<span>a</span>'],
    ['has no pictures', '<p><img src="https://x.test/a.png" onerror="x()">a</p>', '<p>a</p>'],
    [
      'draws custom emoji',
      '<p>:tea: and :coffee:</p>',
      '<p><img class="emoji" src="/tea.gif" title=":tea:" alt=":tea:" loading="lazy"> and :coffee:</p>',
      { emojis: [tea] },
    ],
    [
      'opens other links elsewhere',
      '<a href="https://x.test/a">there</a>',
      '<a href="https://x.test/a" target="_blank" rel="nofollow noopener noreferrer" title="https://x.test/a">there</a>',
    ],
    [
      'turns people into pages of ours',
      '<a href="https://b.test/@bo" class="u-url mention">@<span>bo</span></a>',
      '<a href="/@bo@b.test" title="@bo@b.test" class="mention">@<span>bo</span></a>',
      { mentions: [{ id: '1', username: 'bo', acct: 'bo@b.test', url: 'https://b.test/@bo' }] },
    ],
    [
      'turns tags into pages of ours',
      '<a href="https://b.test/tags/Tea" rel="tag">#Tea</a>',
      '<a href="/tags/Tea">#Tea</a>',
    ],
  ];
  for (const [name, source, want, meaning] of cases) {
    it(name, () => expect(normal(html(source, meaning))).toBe(normal(want)));
  }

  it('shows long addresses by their beginning', () => {
    const url = 'https://www.example.org/a/very/long/path/that/goes/on/and/on';
    expect(draw(`<a href="${url}">${url}</a>`).textContent).toBe('example.org/a/very/long/path/that/goes…');
  });

  it('does not fall into what is nested without end', () => {
    expect(draw('<b>'.repeat(3000) + 'deep').textContent).toBe('');
  });
});

/** The order of attributes means nothing. */
function normal(source: string): string {
  return source.replace(/<(\w+)((?: [\w-]+="[^"]*")+)>/g, (_, name, attributes: string) => {
    const sorted = attributes.match(/[\w-]+="[^"]*"/g)!.sort();
    return `<${name} ${sorted.join(' ')}>`;
  });
}

describe('plain', () => {
  it('puts paragraphs on lines', () => expect(plain('<p>a<br>b</p><p>c</p>')).toBe('a\nb\nc'));
});
