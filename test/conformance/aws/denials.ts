/** Lines of the emulator's log in which IAM refuses somebody something, whatever the caller made of it. */
export function denials(log: string): readonly string[] {
  return log.match(/^.*(not authorized|Access ?Denied).*$/gim) ?? [];
}
