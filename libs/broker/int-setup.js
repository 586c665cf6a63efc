const { specProvider, startTestCluster } = require('@eco/testing');

// One broker for all int specs: it takes longer to start than they do to run. Each spec makes its own vhosts on it.
// Jest reads this file without its transforms, so it imports built files.
module.exports = async () => {
  if (process.env.TEST_AMQP_BROKERS !== undefined) return;
  const cluster = await startTestCluster(
    { brokers: 1, groups: [{ id: 'g1', replicas: 0 }], services: false },
    { provider: specProvider() },
  );
  globalThis.brokerTestCluster = cluster;
  const [{ host, amqpPort, managementUrl }] = cluster.brokers;
  const { user, password } = cluster.system.brokerLogin('topology');
  Object.assign(process.env, {
    TEST_AMQP_BROKERS: `${host}:${amqpPort}`,
    TEST_AMQP_MANAGEMENT_URL: managementUrl,
    TEST_AMQP_USER: user,
    TEST_AMQP_PASSWORD: password,
  });
};
