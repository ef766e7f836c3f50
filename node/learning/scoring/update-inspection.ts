import type { Adapter, ExpectedAdapter } from '../../../inference/learning/adapter.ts'
import { checkAdapter, readAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { AdapterError, type AdapterErrorCode } from '../../../inference/learning/errors.ts'
import { gramMatrix } from '../../../inference/learning/factors.ts'
import type { CidString } from '../../../protocol/ids.ts'

/** Files to be looked into. Plain data: it goes to another thread. */
export interface InspectionJob {
  /** The adapter that the updates were trained from; null for none. */
  parentPath: string | null
  /** What each has to fit. */
  expected: ExpectedAdapter
  /** In the order of their commitments, as GGUF. */
  updates: readonly { update: CidString; path: string }[]
}

/** What is wrong with a file, by the codes of adapters. */
export interface InspectedUpdate {
  update: CidString
  /** Null for one that can be measured. */
  code: AdapterErrorCode | null
}

export interface Inspection {
  /** As in the job. */
  updates: InspectedUpdate[]
  /** Of those without a code, in their order: `gramMatrix` of what they change of the parent. */
  gram: Float64Array
}

/**
 * Reads strangers' adapters, tells what is wrong with each, and compares the others. Takes memory for all of them and
 * time for all pairs.
 * @throws {AdapterError} when the parent cannot be read
 */
export async function inspectUpdates(job: InspectionJob): Promise<Inspection> {
  const parent = job.parentPath === null ? null : await readAdapterFile(job.parentPath)
  const sound: Adapter[] = []
  const updates: InspectedUpdate[] = []
  for (const { update, path } of job.updates) {
    const read = await readUpdate(path, job.expected)
    if (typeof read !== 'string') sound.push(read)
    updates.push({ update, code: typeof read === 'string' ? read : null })
  }
  return { updates, gram: gramMatrix(sound, parent) }
}

async function readUpdate(path: string, expected: ExpectedAdapter): Promise<Adapter | AdapterErrorCode> {
  try {
    const adapter = await readAdapterFile(path)
    checkAdapter(adapter, expected)
    return adapter
  } catch (error) {
    if (error instanceof AdapterError) return error.code
    throw error
  }
}
