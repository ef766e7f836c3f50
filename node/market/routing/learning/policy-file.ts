import { readFile, stat } from 'node:fs/promises'
import { type Clock, repeat, type Timer } from '../../../clock.ts'
import { LearningError } from './errors.ts'
import { DEFAULT_POLICY, type PolicySettings, policySettingsSchema } from './policy-settings.ts'

const MAX_BYTES = 65_536

/**
 * Reads a policy of JSON.
 * @throws {LearningError} POLICY_INVALID with every problem in its message
 */
export function parsePolicy(text: string): PolicySettings {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`no JSON: ${(cause as Error).message}`, cause)
  }
  const parsed = policySettingsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; '),
  )
}

/**
 * Reads a policy file.
 * @throws {LearningError} POLICY_UNREADABLE, POLICY_INVALID
 */
export async function readPolicyFile(path: string): Promise<PolicySettings> {
  let text: string
  try {
    if ((await stat(path)).size > MAX_BYTES) throw invalid(`longer than ${MAX_BYTES} bytes`)
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof LearningError) throw cause
    throw new LearningError('POLICY_UNREADABLE', `the policy file ${path} cannot be read`, {
      fix: 'Check its name and its permissions.',
      details: { path },
      cause,
    })
  }
  return parsePolicy(text)
}

export interface PolicyFileOptions {
  path: string
  /** Without a file the default policy holds; else its absence is an error. */
  optional: boolean
  /** How often the file is looked at. Default 2 s. */
  everyMs?: number
}

export interface PolicyFileModules {
  clock: Clock
  /** Told of each policy that takes the place of another. */
  onPolicy: (settings: PolicySettings) => void
  /** Told once of each content that is refused; what held before still holds. */
  onRefused: (error: LearningError) => void
}

/** Keeps to a policy file while it is changed. It is looked at by its time and size, which works on every disk. */
export class PolicyFile {
  readonly #options: PolicyFileOptions
  readonly #modules: PolicyFileModules
  #settings = DEFAULT_POLICY
  #refusal: LearningError | null = null
  /** Of what was read last. */
  #stamp = ''
  #timer: Timer | null = null
  #checking: Promise<void> | null = null

  constructor(options: PolicyFileOptions, modules: PolicyFileModules) {
    this.#options = options
    this.#modules = modules
  }

  get path(): string {
    return this.#options.path
  }

  get settings(): PolicySettings {
    return this.#settings
  }

  /** Why the file as it is now is not used; null while it is. */
  get refusal(): LearningError | null {
    return this.#refusal
  }

  /**
   * Reads the file and goes on watching it.
   * @throws {LearningError} POLICY_UNREADABLE, POLICY_INVALID: nothing is to start by a policy that is not meant
   */
  async start(): Promise<void> {
    this.#stamp = await this.#stampNow()
    if (this.#stamp !== '' || !this.#options.optional) this.#settings = await readPolicyFile(this.path)
    this.#timer = repeat(this.#modules.clock, this.#options.everyMs ?? 2_000, () => this.check())
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#checking
  }

  /** Looks at the file now. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    const stamp = await this.#stampNow()
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    try {
      this.#use(stamp === '' && this.#options.optional ? DEFAULT_POLICY : await readPolicyFile(this.path))
    } catch (error) {
      if (!(error instanceof LearningError)) throw error
      this.#refusal = error
      this.#modules.onRefused(error)
    }
  }

  #use(settings: PolicySettings): void {
    this.#refusal = null
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return
    this.#settings = settings
    this.#modules.onPolicy(settings)
  }

  /** Empty while there is no file. */
  async #stampNow(): Promise<string> {
    const facts = await stat(this.path, { bigint: true }).catch(() => null)
    return facts === null ? '' : `${facts.mtimeNs} ${facts.size} ${facts.ino}`
  }
}

function invalid(why: string, cause?: unknown): LearningError {
  return new LearningError(
    'POLICY_INVALID',
    `the policy file is ${why.startsWith('no JSON') ? '' : 'not valid: '}${why}`,
    {
      fix: 'Correct it; shoal route policy --check <file> looks at a file without using it.',
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
