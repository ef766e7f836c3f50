import { type ReactNode, type Ref, useRef, useState } from 'react'
import { type ConnectionState, useConnection } from '../data/session.ts'
import { Icon } from '../design/icon.tsx'
import { Logo } from '../design/logo.tsx'
import type { Page } from './pages.tsx'
import { PAGES } from './pages.tsx'
import { Link } from './router.tsx'
import { keepTheme, readTheme, THEMES, type Theme } from './theme.ts'

/** Of the bar at the bottom of a phone; the others are behind its last button. */
const ON_PHONE = ['', 'network', 'wallet', 'earn']

const CONNECTION: Record<ConnectionState, string> = {
  connecting: 'Connecting to the node',
  connected: 'Connected to the node',
  lost: 'The node does not answer',
}

/** The frame around every page: navigation at the side, or at the bottom of a phone. */
export function Shell(props: { page: Page | null; main: Ref<HTMLElement>; children: ReactNode }) {
  const connection = useConnection()
  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className="rail">
        <Link className="rail-logo" href="/" aria-label="Shoal, start">
          <Logo />
          <span>Shoal</span>
        </Link>
        <nav className="rail-nav" aria-label="Pages">
          {PAGES.map(page => (
            <NavLink key={page.id} page={page} isCurrent={page === props.page} />
          ))}
        </nav>
        <div className="rail-foot">
          <p className="connection" data-state={connection} role="status">
            <span className="connection-dot" aria-hidden="true" />
            <span className="connection-words">{CONNECTION[connection]}</span>
          </p>
          <ThemeSwitch />
        </div>
      </header>
      <main id="main" ref={props.main} tabIndex={-1}>
        {props.children}
      </main>
      <PhoneNav page={props.page} />
    </div>
  )
}

function NavLink({ page, isCurrent, onFollow }: { page: Page; isCurrent: boolean; onFollow?: () => void }) {
  return (
    <Link
      className="nav-link"
      href={`/${page.id}`}
      aria-current={isCurrent ? 'page' : undefined}
      onPointerEnter={page.preload}
      onFocus={page.preload}
      {...(onFollow === undefined ? {} : { onClick: onFollow })}
    >
      <Icon name={page.icon} />
      <span>{page.title}</span>
    </Link>
  )
}

function PhoneNav({ page }: { page: Page | null }) {
  const sheet = useRef<HTMLDialogElement>(null)
  const close = () => sheet.current?.close()
  const first = PAGES.filter(({ id }) => ON_PHONE.includes(id))
  const rest = PAGES.filter(({ id }) => !ON_PHONE.includes(id))
  return (
    <nav className="phone-nav" aria-label="Pages, phone">
      {first.map(each => (
        <NavLink key={each.id} page={each} isCurrent={each === page} />
      ))}
      <button
        type="button"
        className="nav-link"
        aria-haspopup="dialog"
        data-current={page !== null && rest.includes(page)}
        onClick={() => sheet.current?.showModal()}
      >
        <Icon name="more" />
        <span>More</span>
      </button>
      <dialog ref={sheet} className="phone-sheet" aria-label="More pages" closedby="any">
        {rest.map(each => (
          <NavLink key={each.id} page={each} isCurrent={each === page} onFollow={close} />
        ))}
        <ThemeSwitch />
        <button type="button" className="button" data-kind="quiet" onClick={close}>
          Close
        </button>
      </dialog>
    </nav>
  )
}

const THEME_NAMES: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' }

function ThemeSwitch() {
  const [theme, setTheme] = useState(readTheme)
  return (
    <fieldset className="theme-switch">
      <legend className="visually-hidden">Appearance</legend>
      {THEMES.map(each => (
        <button
          key={each}
          type="button"
          aria-pressed={each === theme}
          title={THEME_NAMES[each]}
          onClick={() => {
            keepTheme(each)
            setTheme(each)
          }}
        >
          <Icon name={each} />
          <span className="visually-hidden">{THEME_NAMES[each]}</span>
        </button>
      ))}
    </fieldset>
  )
}
