/**
 * Which file systems several processes can share a cache on: those of this machine's own kernel. On one that is reached
 * over a network, or that a program serves, another machine may be writing, or what one process has written is seen by
 * another only when some cache in between expires.
 */
import { statfs } from 'node:fs/promises'

/** By their magic number (statfs(2)); of other systems than Linux, whose numbers mean other things, none is judged. */
const UNSHARED = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x786f4256, 'vboxsf'],
  [0x7c7c6673, 'prlfs'],
])

/** Name of the file system of a directory, where it is one that cannot be shared. */
export async function unsharedFileSystem(directory: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const { type } = await statfs(directory)
  // Some kernels give it as a negative number.
  return UNSHARED.get(type >>> 0)
}
