/** It can't be done as it was asked for, or not now; nothing was started. The message is for people. */
export class Refused extends Error {
  override readonly name: string = 'Refused';
}
