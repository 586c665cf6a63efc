/** The text for the content or a quoted attribute of HTML and SVG. */
export function escapedHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
