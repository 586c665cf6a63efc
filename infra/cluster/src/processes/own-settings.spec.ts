import { settingsIn } from './own-settings.js';

describe('the own settings of a service', () => {
  it('are a line each, and a value may have any characters', () => {
    const text = '# the new brokers\nECO_BROKERS=127.0.0.1:5700,127.0.0.1:5701\r\n\nECO_GROUPS=g1=a:1,b:2;g2=c:3\n';
    expect(settingsIn(text, 'f')).toEqual({
      ECO_BROKERS: '127.0.0.1:5700,127.0.0.1:5701',
      ECO_GROUPS: 'g1=a:1,b:2;g2=c:3',
    });
  });

  it.each(['ECO_BROKERS', 'PATH=/tmp', 'export ECO_BROKERS=a:1', 'NODE_OPTIONS=--inspect'])(
    'are refused with the number of the line: %s',
    (line) => {
      expect(() => settingsIn(`ECO_NAME=a\n${line}`, 'central-api.env')).toThrow(/^central-api\.env, line 2: /);
    },
  );
});
