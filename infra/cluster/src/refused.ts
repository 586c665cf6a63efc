/** The request is impossible, or impossible now; nothing was started. The message is for people. */
export class Refused extends Error {
  override readonly name: string = 'Refused';
}
