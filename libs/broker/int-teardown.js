module.exports = async () => {
  await globalThis.brokerTestCluster?.destroy();
};
