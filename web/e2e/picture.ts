import { deflateSync } from 'node:zlib';

/**
 * A PNG of hills under an evening sky, so that uploads have something to show.
 *
 * spec: png#5-datastream-structure
 */
export function picture(width: number, height: number, hue = 0): Buffer {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      colour(x / width, y / height, width / height, hue).forEach((value, i) => (rows[at + i] = value));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The colour at a place, both coordinates from 0 to 1: sun, two ridges, sky. `aspect` is width by height. */
function colour(x: number, y: number, aspect: number, hue: number): number[] {
  const far = 0.62 + 0.07 * Math.sin(x * 6 + hue) + 0.03 * Math.sin(x * 17);
  const near = 0.8 + 0.06 * Math.sin(x * 4 + 2 + hue) + 0.02 * Math.sin(x * 23);
  if (y > near) return turn([38, 52, 74], hue);
  if (y > far) return turn([86, 104, 140], hue);
  const sun = Math.hypot((x - 0.68) * aspect, y - 0.42);
  if (sun < 0.08) return [255, 240, 205];
  const glow = Math.max(0, 1 - sun * 1.6);
  return turn([150 + 90 * y + 60 * glow, 160 + 30 * y + 40 * glow, 205 - 40 * y], hue);
}

/** Changes colours about, for pictures that differ, in six ways. */
function turn([r, g, b]: number[], hue: number): number[] {
  const all = [r, g, b].map((v) => Math.min(255, Math.round(v)));
  return [0, 1, 2].map((i) => all[(hue < 3 ? i + hue : 5 - i + hue) % 3]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

function crc(bytes: Buffer): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let n = 0; n < 8; n++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return (c ^ 0xffffffff) >>> 0;
}
