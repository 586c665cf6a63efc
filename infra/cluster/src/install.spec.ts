import { howToInstall } from './install.js';

test.each([
  ['apt-get', 'sudo apt-get update && sudo apt-get install -y --no-install-recommends postgresql rabbitmq-server'],
  ['dnf', 'sudo dnf install -y postgresql-server postgresql-contrib rabbitmq-server'],
  ['brew', 'brew install postgresql@17 rabbitmq'],
])('with %s only its command is shown', (tool, command) => {
  const text = howToInstall(['PostgreSQL', 'RabbitMQ'], (program) => program === tool);
  expect(text).toContain(`PostgreSQL and RabbitMQ are not installed`);
  expect(text).toContain(command);
  const others = ['apt-get', 'dnf', 'brew'].filter((other) => other !== tool);
  for (const other of others) expect(text).not.toContain(other);
});

test('without a known package manager all commands are shown, and Docker', () => {
  const text = howToInstall(['RabbitMQ'], () => false);
  expect(text).toContain('RabbitMQ is not installed');
  for (const tool of ['apt-get', 'dnf', 'brew', 'docker run']) expect(text).toContain(tool);
  expect(text).not.toContain('postgresql');
});

test('benchmark tools have no Docker command', () => {
  const text = howToInstall(['wrk'], (program) => program === 'apt-get');
  expect(text).toContain('--no-install-recommends wrk');
  expect(text).not.toContain('docker');
});
