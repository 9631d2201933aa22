/** The host of a web address; nothing for what is no web address, whoever sent it. */
export function hostOf(address: string | null | undefined): string {
  if (!address || !/^https?:\/\//i.test(address)) return '';
  try {
    return new URL(address).host;
  } catch {
    return '';
  }
}
