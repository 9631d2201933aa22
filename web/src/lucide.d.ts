declare module 'lucide/dist/esm/icons/*.mjs' {
  const nodes: [string, Record<string, string>][];
  export default nodes;
}
