import { ShoalError } from '../../protocol/errors.ts'

export type ControlErrorCode =
  | 'NODE_NOT_RUNNING'
  | 'CONTROL_BAD_REQUEST'
  | 'CONTROL_BROKEN'
  | 'CONTROL_FORBIDDEN'
  | 'CONTROL_FOLDER_UNSAFE'
  | 'INTERNAL'

/** Apart from the schemas of the commands, which whoever only sends one does not need. */
export class ControlError extends ShoalError<ControlErrorCode> {
  override readonly name = 'ControlError'
}
