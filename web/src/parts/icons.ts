/** The icons in use, from Lucide (ISC), on a grid of 24. */
import ArrowLeft from 'lucide/dist/esm/icons/arrow-left.mjs';
import AtSign from 'lucide/dist/esm/icons/at-sign.mjs';
import BadgeCheck from 'lucide/dist/esm/icons/badge-check.mjs';
import Ban from 'lucide/dist/esm/icons/ban.mjs';
import Bell from 'lucide/dist/esm/icons/bell.mjs';
import Bookmark from 'lucide/dist/esm/icons/bookmark.mjs';
import Check from 'lucide/dist/esm/icons/check.mjs';
import ChevronDown from 'lucide/dist/esm/icons/chevron-down.mjs';
import ChevronLeft from 'lucide/dist/esm/icons/chevron-left.mjs';
import ChevronRight from 'lucide/dist/esm/icons/chevron-right.mjs';
import ArrowUp from 'lucide/dist/esm/icons/arrow-up.mjs';
import Ellipsis from 'lucide/dist/esm/icons/ellipsis.mjs';
import ExternalLink from 'lucide/dist/esm/icons/external-link.mjs';
import Eye from 'lucide/dist/esm/icons/eye.mjs';
import EyeOff from 'lucide/dist/esm/icons/eye-off.mjs';
import Flag from 'lucide/dist/esm/icons/flag.mjs';
import Globe from 'lucide/dist/esm/icons/globe.mjs';
import House from 'lucide/dist/esm/icons/house.mjs';
import Image from 'lucide/dist/esm/icons/image.mjs';
import Keyboard from 'lucide/dist/esm/icons/keyboard.mjs';
import LinkIcon from 'lucide/dist/esm/icons/link.mjs';
import Lock from 'lucide/dist/esm/icons/lock.mjs';
import LogOut from 'lucide/dist/esm/icons/log-out.mjs';
import MessagesSquare from 'lucide/dist/esm/icons/messages-square.mjs';
import Mail from 'lucide/dist/esm/icons/mail.mjs';
import Moon from 'lucide/dist/esm/icons/moon.mjs';
import Pencil from 'lucide/dist/esm/icons/pen-line.mjs';
import Pin from 'lucide/dist/esm/icons/pin.mjs';
import Play from 'lucide/dist/esm/icons/play.mjs';
import Plus from 'lucide/dist/esm/icons/plus.mjs';
import Poll from 'lucide/dist/esm/icons/chart-bar-big.mjs';
import Quote from 'lucide/dist/esm/icons/quote.mjs';
import Repeat from 'lucide/dist/esm/icons/repeat-2.mjs';
import Reply from 'lucide/dist/esm/icons/reply.mjs';
import Search from 'lucide/dist/esm/icons/search.mjs';
import Settings from 'lucide/dist/esm/icons/settings.mjs';
import Smile from 'lucide/dist/esm/icons/face-slightly-smiling.mjs';
import SquarePen from 'lucide/dist/esm/icons/square-pen.mjs';
import Star from 'lucide/dist/esm/icons/star.mjs';
import Sun from 'lucide/dist/esm/icons/sun.mjs';
import SunMoon from 'lucide/dist/esm/icons/sun-moon.mjs';
import Trash from 'lucide/dist/esm/icons/trash.mjs';
import Warning from 'lucide/dist/esm/icons/triangle-alert.mjs';
import User from 'lucide/dist/esm/icons/user.mjs';
import UserPlus from 'lucide/dist/esm/icons/user-plus.mjs';
import Users from 'lucide/dist/esm/icons/users.mjs';
import Mute from 'lucide/dist/esm/icons/volume-x.mjs';
import X from 'lucide/dist/esm/icons/x.mjs';

const drawings = {
  'arrow-left': ArrowLeft,
  'arrow-up': ArrowUp,
  'at-sign': AtSign,
  ban: Ban,
  bell: Bell,
  bookmark: Bookmark,
  check: Check,
  down: ChevronDown,
  edit: Pencil,
  external: ExternalLink,
  eye: Eye,
  'eye-off': EyeOff,
  flag: Flag,
  globe: Globe,
  house: House,
  image: Image,
  keyboard: Keyboard,
  left: ChevronLeft,
  link: LinkIcon,
  lock: Lock,
  'log-out': LogOut,
  mail: Mail,
  moon: Moon,
  more: Ellipsis,
  mute: Mute,
  pin: Pin,
  play: Play,
  plus: Plus,
  poll: Poll,
  quote: Quote,
  repeat: Repeat,
  reply: Reply,
  right: ChevronRight,
  search: Search,
  settings: Settings,
  smile: Smile,
  star: Star,
  sun: Sun,
  system: SunMoon,
  thread: MessagesSquare,
  trash: Trash,
  user: User,
  'user-plus': UserPlus,
  users: Users,
  verified: BadgeCheck,
  warning: Warning,
  write: SquarePen,
  x: X,
};

export type IconName = keyof typeof drawings;

/**
 * Each icon as the data of one path: a post has half a dozen icons, and a timeline thousands, so elements count.
 *
 * spec: svg2#shapes
 */
export const icons = Object.fromEntries(
  Object.entries(drawings).map(([name, nodes]) => [name, nodes.map(pathOf).join('')]),
) as Record<IconName, string>;

function pathOf([element, a]: (typeof drawings)[IconName][number]): string {
  const [x, y, width, height, r] = [a.x ?? a.cx, a.y ?? a.cy, a.width, a.height, a.rx ?? a.r ?? 0].map(
    Number,
  );
  switch (element) {
    case 'path':
      return a.d.startsWith('m') ? `M0 0${a.d}` : a.d; // A relative start counts from the origin.
    case 'circle':
      return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
    case 'line':
      return `M${a.x1} ${a.y1}L${a.x2} ${a.y2}`;
    case 'rect': {
      const corner = (dx: number, dy: number) => `a${r} ${r} 0 0 1 ${dx * r} ${dy * r}`;
      const [w, h] = [width - 2 * r, height - 2 * r];
      return `M${x + r} ${y}h${w}${corner(1, 1)}v${h}${corner(-1, 1)}h${-w}${corner(-1, -1)}v${-h}${corner(1, -1)}z`;
    }
    default:
      throw new Error(`There is no way to draw a ${element} yet.`);
  }
}
