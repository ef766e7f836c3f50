// Made by `npm run generate` from contracts/. Do not edit.

export const juryAbi = [
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "staking_",
        "type": "address"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "drawBlock",
        "type": "uint256"
      }
    ],
    "name": "DrawNotReady",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "tries",
        "type": "uint256"
      }
    ],
    "name": "InvalidTries",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotJuror",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotSeated",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "OnlyCourt",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "from",
        "type": "uint256"
      }
    ],
    "name": "RevealTooEarly",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint8",
        "name": "bits",
        "type": "uint8"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "SafeCastOverflowedUintDowncast",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "until",
        "type": "uint256"
      }
    ],
    "name": "VoteTooLate",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "WrongReveal",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroCommitment",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "drawBlock",
        "type": "uint256"
      }
    ],
    "name": "DrawArmed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "juror",
        "type": "address"
      }
    ],
    "name": "JurorDrawn",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "commitUntil",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "revealUntil",
        "type": "uint256"
      }
    ],
    "name": "JurySeated",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "juror",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "commitment",
        "type": "bytes32"
      }
    ],
    "name": "VoteCommitted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "juror",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "enum IJury.Vote",
        "name": "vote",
        "type": "uint8"
      }
    ],
    "name": "VoteRevealed",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "MAX_REARMS",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "MAX_TRIES",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "bytes32",
        "name": "commitment",
        "type": "bytes32"
      }
    ],
    "name": "commit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "internalType": "address",
        "name": "juror",
        "type": "address"
      },
      {
        "internalType": "enum IJury.Vote",
        "name": "vote",
        "type": "uint8"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      }
    ],
    "name": "commitmentOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "commitment",
        "type": "bytes32"
      }
    ],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      }
    ],
    "name": "countableFrom",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "timestamp",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "court",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "disputeId",
            "type": "uint256"
          },
          {
            "internalType": "address[3]",
            "name": "parties",
            "type": "address[3]"
          },
          {
            "internalType": "uint256",
            "name": "votesAt",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "validators",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "weightCap",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "jurorBond",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "drawDelay",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "commitPeriod",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "revealPeriod",
            "type": "uint256"
          }
        ],
        "internalType": "struct IJury.Draw",
        "name": "request",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "maxTries",
        "type": "uint256"
      }
    ],
    "name": "draw",
    "outputs": [
      {
        "internalType": "enum IJury.Progress",
        "name": "progress",
        "type": "uint8"
      },
      {
        "internalType": "address[]",
        "name": "jurors",
        "type": "address[]"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      }
    ],
    "name": "findingOf",
    "outputs": [
      {
        "internalType": "enum IJury.Vote",
        "name": "finding",
        "type": "uint8"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      }
    ],
    "name": "panelOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "seed",
            "type": "bytes32"
          },
          {
            "internalType": "uint64",
            "name": "drawBlock",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "tries",
            "type": "uint64"
          },
          {
            "internalType": "uint8",
            "name": "rearms",
            "type": "uint8"
          },
          {
            "internalType": "uint8",
            "name": "size",
            "type": "uint8"
          },
          {
            "internalType": "uint8",
            "name": "commitments",
            "type": "uint8"
          },
          {
            "internalType": "uint8",
            "name": "guilty",
            "type": "uint8"
          },
          {
            "internalType": "uint8",
            "name": "innocent",
            "type": "uint8"
          },
          {
            "internalType": "uint8",
            "name": "abstained",
            "type": "uint8"
          },
          {
            "internalType": "uint48",
            "name": "commitUntil",
            "type": "uint48"
          },
          {
            "internalType": "uint48",
            "name": "revealUntil",
            "type": "uint48"
          }
        ],
        "internalType": "struct IJury.Panel",
        "name": "panel",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "enum IJury.Vote",
        "name": "vote",
        "type": "uint8"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      }
    ],
    "name": "reveal",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      }
    ],
    "name": "seatsOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "juror",
            "type": "address"
          },
          {
            "internalType": "enum IJury.Vote",
            "name": "vote",
            "type": "uint8"
          },
          {
            "internalType": "bytes32",
            "name": "commitment",
            "type": "bytes32"
          }
        ],
        "internalType": "struct IJury.Seat[]",
        "name": "seats",
        "type": "tuple[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "staking",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "disputeId",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "round",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "size",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "drawDelay",
        "type": "uint256"
      }
    ],
    "name": "summon",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const
