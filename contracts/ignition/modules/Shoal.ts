import { buildModule } from '@nomicfoundation/ignition-core'
import { defineShoal } from '../define-shoal.ts'

/** All of Shoal's contracts, for Ignition. */
export default buildModule('Shoal', defineShoal)
