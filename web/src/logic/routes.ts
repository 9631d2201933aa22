import routes from '../../routes.json';

/** Where in the page somebody is: the page's name and the parameters of its address. */
export interface Place {
  page: string;
  path: string;
  query: URLSearchParams;
  acct: string;
  id: string;
  tag: string;
}

const patterns = routes.map(({ page, path }) => ({
  page,
  pattern: new RegExp(`^${path.replace(/:([a-z]+)/g, '(?<$1>[^/]+)')}/?$`),
}));

/** Finds the page for a path; `notFound` for what the router does not know. */
export function placeAt(path: string, query = ''): Place {
  const place = { page: 'notFound', path, query: new URLSearchParams(query), acct: '', id: '', tag: '' };
  for (const { page, pattern } of patterns) {
    const match = pattern.exec(path);
    if (!match) continue;
    for (const [name, value] of Object.entries(match.groups ?? {})) {
      place[name as 'acct' | 'id' | 'tag'] = decode(value);
    }
    return { ...place, page };
  }
  return place;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether an address belongs to the page, and not to the server's own HTML (sign-in, settings, files). */
export const isOurs = (path: string) => placeAt(path).page !== 'notFound';

export const profilePath = (acct: string) => `/@${acct}`;
export const threadPath = (acct: string, id: string) => `/@${acct}/${id}`;
export const tagPath = (tag: string) => `/tags/${encodeURIComponent(tag)}`;
