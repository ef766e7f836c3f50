import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** What the tests of the contracts need of the project. */
const PARTS = [
  'contracts',
  'inference',
  'node',
  'protocol',
  'scripts',
  'test',
  '.mocharc.json',
  'hardhat.config.ts',
  'package.json',
  'tsconfig.json',
]
const LEFT_OUT = new Set(['artifacts', 'cache', 'coverage', 'node_modules'])

export interface Ran {
  /** Null when a signal ended it. */
  code: number | null
  /** What it wrote, both streams. */
  output: string
  timedOut: boolean
}

/** A copy of the project in a temporary folder, which can be changed and tested without touching the project. */
export class ProjectCopy {
  readonly root: string

  readonly #removeAtExit: () => void

  private constructor(root: string) {
    this.root = root
    this.#removeAtExit = () => rmSync(root, { recursive: true, force: true })
    process.once('exit', this.#removeAtExit)
  }

  static async create(original: string): Promise<ProjectCopy> {
    const copy = new ProjectCopy(await mkdtemp(join(tmpdir(), 'shoal-contracts-')))
    const { root } = copy
    const filter = (path: string) => !LEFT_OUT.has(basename(path))
    await Promise.all(
      PARTS.map(part => cp(join(original, part), join(root, part), { recursive: true, filter })),
    )
    await symlink(join(original, 'node_modules'), join(root, 'node_modules'))
    return copy
  }

  read(path: string): Promise<string> {
    return readFile(join(this.root, path), 'utf8')
  }

  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.root, path), text)
  }

  /**
   * Replaces a piece of a file.
   * @throws {Error} when the file does not have it any more
   */
  async patch(path: string, from: string | RegExp, to: string): Promise<void> {
    const text = await this.read(path)
    const patched = text.replace(from, to)
    if (patched === text) throw new Error(`${path} has no ${from} to replace`)
    await this.write(path, patched)
  }

  /** Runs Node in the copy, in a group of its own that ends with it or with the time limit. */
  node(args: readonly string[], options: { timeoutMs: number; env?: NodeJS.ProcessEnv }): Promise<Ran> {
    const child = spawn(process.execPath, [...args], {
      cwd: this.root,
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', chunk => chunks.push(chunk))
    child.stderr.on('data', chunk => chunks.push(chunk))
    let timedOut = false
    const endGroup = () => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => {
      timedOut = true
      endGroup()
    }, options.timeoutMs)
    process.once('exit', endGroup)
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', code => {
        clearTimeout(timer)
        process.off('exit', endGroup)
        resolve({ code, output: Buffer.concat(chunks).toString(), timedOut })
      })
    })
  }

  /** Leaves the copy where it is when the process ends. */
  keep(): void {
    process.off('exit', this.#removeAtExit)
  }

  async remove(): Promise<void> {
    process.off('exit', this.#removeAtExit)
    await rm(this.root, { recursive: true, force: true })
  }
}
