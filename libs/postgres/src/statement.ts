/** A statement that is prepared once per connection under its name, so a name must belong to one text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}
