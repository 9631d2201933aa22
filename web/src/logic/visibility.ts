import type { Status } from '../api/types';
import type { IconName } from '../parts/icons';
import type { Key } from '../state/text';

export type Audience = 'public' | 'unlisted' | 'private' | 'direct' | 'local';

/** Every audience, from widest to narrowest, the only place to touch when one is added. */
export const audiences: { name: Audience; icon: IconName; label: Key; hint: Key; boostable: boolean }[] = [
  { name: 'public', icon: 'globe', label: 'audience.public', hint: 'audience.public.hint', boostable: true },
  {
    name: 'unlisted',
    icon: 'moon',
    label: 'audience.unlisted',
    hint: 'audience.unlisted.hint',
    boostable: true,
  },
  { name: 'local', icon: 'users', label: 'audience.local', hint: 'audience.local.hint', boostable: true },
  {
    name: 'private',
    icon: 'lock',
    label: 'audience.private',
    hint: 'audience.private.hint',
    boostable: false,
  },
  {
    name: 'direct',
    icon: 'at-sign',
    label: 'audience.direct',
    hint: 'audience.direct.hint',
    boostable: false,
  },
];

export const audience = (name: Audience) => audiences.find((a) => a.name === name)!;

/** Who may read a post. */
export function audienceOf(status: Pick<Status, 'visibility' | 'local_only'>): Audience {
  const open = status.visibility === 'public' || status.visibility === 'unlisted';
  return status.local_only && open ? 'local' : status.visibility;
}

/** The narrower of two, so that a reply is never wider than what it answers. */
export function narrower(a: Audience, b: Audience): Audience {
  const rank = (x: Audience) => audiences.findIndex((row) => row.name === x);
  return rank(a) > rank(b) ? a : b;
}
