import { ShoalError } from '../../protocol/errors.ts'

export type ConfigErrorCode =
  | 'CONFIG_UNKNOWN_SETTING'
  | 'CONFIG_BAD_VALUE'
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_VERSION'

export class ConfigError extends ShoalError<ConfigErrorCode> {
  override readonly name = 'ConfigError'
}
