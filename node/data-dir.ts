import { mkdir, open, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where a node keeps everything it must not lose; one folder, for one node at a time. */
export interface DataDir {
  readonly root: string
  readonly nodeKey: string
  readonly wallet: string
  readonly walletPassword: string
  readonly store: string
  readonly peers: string
  readonly auditLog: string
  /** What routing decided and what came of it. */
  readonly decisions: string
  readonly policy: string
  readonly models: string
  readonly engine: string
  readonly chain: string
  readonly log: string
  readonly controlSocket: string
}

export function defaultDataRoot(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.SHOAL_DATA ?? join(homedir(), '.shoal')
}

export function dataDirAt(root: string): DataDir {
  const at = (name: string) => join(root, name)
  return {
    root,
    nodeKey: at('node.key'),
    wallet: at('wallet.json'),
    walletPassword: at('wallet.password'),
    store: at('store'),
    peers: at('peers'),
    auditLog: at('audit.log'),
    decisions: at('decisions.jsonl'),
    policy: at('policy.json'),
    models: at('models'),
    engine: at('engine'),
    chain: at('chain'),
    log: at('node.log'),
    controlSocket: at('control.sock'),
  }
}

/** Makes the folder, readable by its owner alone. */
export async function ensureDataDir(dataDir: DataDir): Promise<void> {
  await mkdir(dataDir.root, { recursive: true, mode: 0o700 })
}

/**
 * Writes a file that others on the machine may not read, whole or not at all, and on disk when this returns.
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}
