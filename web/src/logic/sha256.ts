/**
 * SHA-256, for pages over plain http, where the browser gives none.
 *
 * spec: fips180-4#section-6.2
 */
export function sha256(message: Uint8Array): Uint8Array {
  const [k, h] = constants();
  const words = padded(message);
  const w = new Uint32Array(64);
  for (let at = 0; at < words.length; at += 16) {
    w.set(words.subarray(at, at + 16));
    for (let t = 16; t < 64; t++) {
      const a = w[t - 15];
      const b = w[t - 2];
      w[t] =
        w[t - 16] +
        w[t - 7] +
        (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) +
        (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    const s = h.slice();
    for (let t = 0; t < 64; t++) {
      const [a, b, c, , e, f, g] = s;
      const t1 = s[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[t] + w[t];
      const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      s.copyWithin(1, 0);
      s[0] = t1 + t2;
      s[4] += t1;
    }
    s.forEach((v, i) => (h[i] += v));
  }
  const out = new DataView(new ArrayBuffer(32));
  h.forEach((v, i) => out.setUint32(i * 4, v));
  return new Uint8Array(out.buffer);
}

const turn = (v: number, n: number) => (v >>> n) | (v << (32 - n));

/** The message, a one bit, zeros, and its length in bits, as whole blocks of sixteen words. */
function padded(message: Uint8Array): Uint32Array {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const bytes = new Uint8Array(length);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(length - 4, message.length << 3);
  return Uint32Array.from({ length: length / 4 }, (_, i) => view.getUint32(i * 4));
}

/** The first 32 bits of the fractions of the cube roots (64) and square roots (8) of the primes. */
function constants(): [Uint32Array, Uint32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (v: number) => Math.floor((v - Math.floor(v)) * 2 ** 32);
  return [
    Uint32Array.from(primes, (p) => fraction(Math.cbrt(p))),
    Uint32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))),
  ];
}
