import { ShoalError } from '../../../protocol/errors.ts'

export type LifecycleErrorCode = 'LIFECYCLE_STOPPED' | 'LIFECYCLE_FULL' | 'CANCELLED'

export class LifecycleError extends ShoalError<LifecycleErrorCode> {
  override readonly name = 'LifecycleError'
}
