import { type DragEvent, use, useRef, useState } from 'react'
import { Link, navigate, useRoute } from '../../app/router.tsx'
import { Button } from '../../design/button.tsx'
import { Card } from '../../design/card.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { TextField } from '../../design/field.tsx'
import { Icon } from '../../design/icon.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { saveFile } from '../../design/save-file.ts'
import { Skeleton } from '../../design/skeleton.tsx'
import { type ProofBundle, readProofFile, writeProofFile } from '../../proof/proof-bundle.ts'
import { browserWallet, useWalletState } from '../../wallet/browser-wallet.ts'
import { RpcForm } from '../wallet/contracts.tsx'
import { ReceiptFacts } from './receipt-facts.tsx'
import { ReceiptList } from './receipt-list.tsx'
import { ProofSteps } from './steps.tsx'
import { useProof } from './use-proof.ts'
import { Verdict } from './verdict.tsx'
import './proof.css'

export default function ProofPage() {
  const { parts } = useRoute()
  const cid = parts[1] ?? null
  const [opened, setOpened] = useState<{ name: string; bundle: ProofBundle } | null>(null)
  const [fileError, setFileError] = useState<unknown>(null)
  const open = async (file: File | undefined) => {
    if (file === undefined) return
    setFileError(null)
    try {
      const bundle = readProofFile(await file.text())
      setOpened({ name: file.name, bundle })
      if (cid !== null) navigate('/proof')
    } catch (error) {
      setOpened(null)
      setFileError(error)
    }
  }
  return (
    <PageBody>
      <PageHeader
        title="Proof"
        about="A receipt or an event, checked in this browser: signatures, hashes and the way to the root are computed here, and the chain is asked without the node."
        actions={
          cid === null && opened === null ? undefined : (
            <Link className="button" data-kind="quiet" href="/proof" onClick={() => setOpened(null)}>
              <Icon name="back" size={18} />
              All receipts
            </Link>
          )
        }
      />
      <FindForm onFile={file => void open(file)} />
      {fileError === null ? null : <ErrorState error={fileError} title="No proof was opened" />}
      {cid === null && opened === null ? (
        <ReceiptList />
      ) : (
        <Checked
          cid={opened === null ? cid : null}
          opened={opened?.bundle ?? null}
          name={opened?.name ?? null}
        />
      )}
    </PageBody>
  )
}

/** By its name, or from a file. */
function FindForm({ onFile }: { onFile: (file: File | undefined) => void }) {
  const [text, setText] = useState('')
  const [isOver, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onFile(event.dataTransfer.files[0])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way to what the button does
    <div
      className="proof-find"
      data-over={isOver}
      onDragOver={event => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <form
        onSubmit={event => {
          event.preventDefault()
          const cid = text.trim()
          if (cid !== '') navigate(`/proof/${encodeURIComponent(cid)}`)
        }}
      >
        <TextField
          label="Receipt, by its CID"
          placeholder="bafyrei…"
          spellCheck={false}
          value={text}
          onChange={event => setText(event.target.value)}
          suffix={
            <Button type="submit" disabled={text.trim() === ''}>
              Check
            </Button>
          }
        />
      </form>
      <p className="proof-or" aria-hidden="true">
        or
      </p>
      <div className="proof-file">
        <input
          ref={input}
          className="visually-hidden"
          type="file"
          accept="application/json,.json"
          aria-label="Open a proof from a file"
          tabIndex={-1}
          onChange={event => {
            onFile(event.target.files?.[0])
            event.target.value = ''
          }}
        />
        <Button icon="attach" onClick={() => input.current?.click()}>
          Open a file
        </Button>
        <p>or drop one here: it need not come from this node.</p>
      </div>
    </div>
  )
}

function Checked(props: { cid: string | null; opened: ProofBundle | null; name: string | null }) {
  const wallet = use(browserWallet())
  const { person, deployment } = useWalletState(wallet)
  const chainKey = `${wallet.rpcUrl} ${person?.account} ${person?.chainId} ${deployment?.chainId}`
  const { proof, error, isLoading, again } = useProof(props.cid, props.opened, wallet, chainKey)
  if (error !== null) return <ErrorState error={error} title="There is no such proof here" retry={again} />
  if (proof === null) {
    return (
      <div aria-busy={isLoading}>
        <p className="visually-hidden" role="status">
          Checking
        </p>
        <Skeleton height="6rem" />
      </div>
    )
  }
  const { verdict, bundle, askedChain } = proof
  const { receipt, event } = verdict
  const save = () =>
    saveFile(
      `shoal-proof-${receipt?.cid ?? event?.cid ?? 'event'}.json`,
      writeProofFile(bundle),
      'application/json',
    )
  return (
    <>
      <Verdict verdict={verdict.verdict} />
      <div className="page-columns" data-wide="first">
        <Card
          title="Step by step"
          actions={
            <>
              <Button size="s" icon="retry" busy={isLoading} onClick={again}>
                Check again
              </Button>
              <Button size="s" icon="down" onClick={save}>
                Save proof
              </Button>
            </>
          }
        >
          <ProofSteps steps={verdict.steps} />
        </Card>
        <div className="proof-side">
          {receipt === null ? null : (
            <Card title="What it says" about={props.name === null ? undefined : `From ${props.name}.`}>
              <ReceiptFacts receipt={receipt.body} cid={receipt.cid} />
            </Card>
          )}
          <Card
            title="Who is asked about the chain"
            about={
              wallet.rpcUrl !== null
                ? 'The RPC address you gave.'
                : askedChain
                  ? `Your wallet, ${person?.walletName ?? ''}, by its own node.`
                  : 'Nobody yet: connect a wallet, or give an RPC address you trust.'
            }
            actions={
              person === null ? (
                <Link className="button" data-size="s" href="/wallet">
                  Connect
                </Link>
              ) : undefined
            }
          >
            <RpcForm wallet={wallet} />
          </Card>
        </div>
      </div>
    </>
  )
}
