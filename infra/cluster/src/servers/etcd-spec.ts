import path from 'node:path';
import { authorityFile, certificateFor, serverHosts, type Authority } from '../authority.js';
import { certificateFile, shellVariables, START_SCRIPT, startScript, type ServerSpec } from './server-spec.js';

/** A node of etcd as clients and the others reach it. */
interface EtcdPeer {
  readonly name: string;
  readonly host: string;
}

/** A node of the etcd cluster, in which Patroni stores which database is the primary. */
export interface EtcdServer {
  readonly node: EtcdPeer;
  readonly nodes: readonly EtcdPeer[];
  readonly clientPort: number;
  readonly peerPort: number;
  readonly place: { readonly filesDir: string; readonly dataDir: string; readonly authority: Authority };
}

/** Every client and every peer shows a certificate of the authority that is valid for clients. There are no passwords. */
export async function etcdSpec({ node, nodes, clientPort, peerPort, place }: EtcdServer): Promise<ServerSpec> {
  const { filesDir, dataDir, authority } = place;
  const peerUrl = ({ host }: EtcdPeer) => `https://${host}:${peerPort}`;
  const others = nodes.filter(({ name }) => name !== node.name);
  const variables = {
    data: dataDir,
    certificate: path.join(filesDir, certificateFile(node)),
    authority: authorityFile(filesDir),
    peer_url: peerUrl(node),
    client_url: `https://${node.host}:${clientPort}`,
    peer_port: String(peerPort),
    client_port: String(clientPort),
    cluster: nodes.map((each) => `${each.name}=${peerUrl(each)}`).join(','),
    others: others.map(({ host }) => `https://${host}:${clientPort}`).join(','),
  };
  return {
    name: node.name,
    files: {
      [START_SCRIPT]: await startScript('etcd'),
      [`${node.name}.env`]: shellVariables(variables),
      [certificateFile(node)]: await certificateFor(authority, serverHosts(node), { isClient: true }),
      [path.basename(authorityFile(filesDir))]: authority.certificate,
    },
  };
}
