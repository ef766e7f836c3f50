import { ShoalError } from '../protocol/errors.ts'

/** What the operating system refuses, and what a person does about it. */
const REFUSALS: Readonly<Record<string, { what: string; fix: string }>> = {
  EACCES: {
    what: 'this user may not use',
    fix: 'Check its owner and permissions, or use another folder with --data.',
  },
  EPERM: {
    what: 'this user may not use',
    fix: 'Check its owner and permissions, or use another folder with --data.',
  },
  EROFS: {
    what: 'the disk is read-only:',
    fix: 'Use a folder on another disk with --data.',
  },
  ENOTDIR: { what: 'a file is where a folder should be:', fix: 'Use another folder with --data.' },
  EEXIST: { what: 'a file is where a folder should be:', fix: 'Use another folder with --data.' },
  EISDIR: { what: 'a folder is where a file should be:', fix: 'Move it away.' },
  ENOENT: { what: 'there is no', fix: 'Check the path.' },
  ENAMETOOLONG: { what: 'the path is too long:', fix: 'Use a shorter one.' },
  ELOOP: { what: 'links go in a circle:', fix: 'Correct them.' },
  EMFILE: { what: 'too many files are open:', fix: 'Raise the limit: ulimit -n 65536.' },
}

/**
 * The expected error that something thrown stands for: itself, or what the operating system says of a file.
 * @returns null for a defect of ours
 */
export function expectedError(error: unknown): ShoalError | null {
  if (error instanceof ShoalError) return error
  if (!(error instanceof Error)) return null
  const { code, path, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC') {
    return new ShoalError('DISK_FULL', 'the disk is full', {
      fix: 'Free some space; nothing was lost.',
      cause: error,
    })
  }
  const refusal = code === undefined ? undefined : REFUSALS[code]
  if (refusal === undefined || path === undefined) return null
  return new ShoalError('FILE_UNUSABLE', `${refusal.what} ${path}`, {
    fix: refusal.fix,
    details: { path, system: message },
    cause: error,
  })
}
