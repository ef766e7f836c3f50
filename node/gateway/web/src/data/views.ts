/** What the node tells, in the types of the node itself: they cannot come apart. */

export type { EventView } from '../../../../events/event.ts'
export type {
  KeyView,
  MeView,
  NewKeyView,
  TenantView,
} from '../../../accounts/account-schemas.ts'
export type { AskEventView, AskInput } from '../../../api/ask.ts'
export type { SettingsView, SettingView } from '../../../api/settings-routes.ts'
export type { MarketView } from '../../../market-views.ts'
export type { OfferView } from '../../../offer-views.ts'
export type { PolicyView } from '../../../route-views.ts'
export type { PeerView, StatusView } from '../../../views.ts'
