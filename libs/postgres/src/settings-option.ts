/**
 * The connection option `options`: settings that hold for the session from its start. PostgreSQL splits the text at
 * spaces, and a backslash keeps the next character (`pg_split_opts`).
 */
export function settingsOption(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}
