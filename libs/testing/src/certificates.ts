/** Certificates for servers that a spec starts within its own process. */
export { certificateFor, createAuthority, type Authority } from '@eco/cluster';
