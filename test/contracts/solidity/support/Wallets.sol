// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A well-behaved smart account: it confirms what its owner signed.
contract OwnedWallet is IERC1271 {
    address private immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered == owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Confirms everything as long as it is in the mood.
contract MoodyWallet is IERC1271 {
    bool public refuses;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return refuses ? bytes4(0xffffffff) : IERC1271.isValidSignature.selector;
    }
}

/// @notice Answers in 4 bytes instead of 32.
contract ShortWallet {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 31)
        }
    }
}

/// @notice Answers with the selector at the wrong end of the word.
contract WrongEndWallet {
    fallback() external {
        assembly {
            mstore(0, 0x1626ba7e)
            return(0, 32)
        }
    }
}

/// @notice Answers with the selector and something after it, which no ABI decoder takes for a bytes4.
contract DirtyWallet {
    fallback() external {
        assembly {
            mstore(0, or(shl(224, 0x1626ba7e), 1))
            return(0, 32)
        }
    }
}

/// @notice Answers nothing, like a contract that accepts any call.
contract SilentWallet {
    fallback() external {}
}

/// @notice Says yes, and reverts with it.
contract RevertingWallet {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            revert(0, 32)
        }
    }
}

/// @notice Burns all the gas it is given.
contract BurningWallet {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @notice Loops until its gas is used up.
contract LoopingWallet {
    fallback() external {
        assembly {
            for {} 1 {} {}
        }
    }
}

/// @notice Says yes, in as many bytes as it can pay for.
contract LongWallet {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            // 190 KiB: memory of this size costs about 90,000 gas.
            return(0, 194560)
        }
    }
}

/// @notice A megabyte costs more than the gas it has.
contract MegabyteWallet {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 1048576)
        }
    }
}

/// @notice Reverts with as many bytes as it can pay for.
contract LongRevertWallet {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            revert(0, 194560)
        }
    }
}

/// @notice Calls somebody back before it says yes; what fails there is its failure.
contract ReentrantWallet {
    address private target;
    bytes private data;

    function set(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    fallback() external {
        (bool success, ) = target.call(data);
        assembly {
            mstore(0, mul(success, shl(224, 0x1626ba7e)))
            return(0, 32)
        }
    }
}

/// @notice Says yes only if it was given exactly this much gas; 2 of it are spent on looking.
library ExactGasWallet {
    function code(uint24 gas_) internal pure returns (bytes memory) {
        // GAS PUSH3 gas-2 EQ PUSH4 selector PUSH1 224 SHL MUL PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
        return abi.encodePacked(hex"5a62", gas_ - 2, hex"14631626ba7e60e01b025f5260205ff3");
    }
}
