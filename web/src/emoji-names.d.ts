/** Every emoji of Unicode with its name, as `vite.config.ts` writes it; read by `logic/unicode.ts`. */
declare module 'virtual:emoji-names' {
  const text: string;
  export default text;
}
