from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tx(_message.Message):
    __slots__ = ("body", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class TxBody(_message.Message):
    __slots__ = ("chain_id", "nonce", "fee_wei", "valid_until_height", "messages", "memo")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    FEE_WEI_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MEMO_FIELD_NUMBER: _ClassVar[int]
    chain_id: str
    nonce: int
    fee_wei: bytes
    valid_until_height: int
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    memo: str
    def __init__(self, chain_id: _Optional[str] = ..., nonce: _Optional[int] = ..., fee_wei: _Optional[bytes] = ..., valid_until_height: _Optional[int] = ..., messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., memo: _Optional[str] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("bond", "unbond", "rebond", "transcoder", "resign_as_transcoder", "transcode_availability", "job", "end_job", "reassign_job", "deposit", "withdraw", "claim_work", "verify", "commit_verdict", "reveal_verdict", "challenge", "distribute_fees", "reward", "initialize_round", "update_delegator_stake", "slash_missed_verification", "slash_double_claim", "propose", "vote", "transfer", "unjail", "rotate_consensus_key", "register_verifier", "claim_allocation")
    BOND_FIELD_NUMBER: _ClassVar[int]
    UNBOND_FIELD_NUMBER: _ClassVar[int]
    REBOND_FIELD_NUMBER: _ClassVar[int]
    TRANSCODER_FIELD_NUMBER: _ClassVar[int]
    RESIGN_AS_TRANSCODER_FIELD_NUMBER: _ClassVar[int]
    TRANSCODE_AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    END_JOB_FIELD_NUMBER: _ClassVar[int]
    REASSIGN_JOB_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    CLAIM_WORK_FIELD_NUMBER: _ClassVar[int]
    VERIFY_FIELD_NUMBER: _ClassVar[int]
    COMMIT_VERDICT_FIELD_NUMBER: _ClassVar[int]
    REVEAL_VERDICT_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTE_FEES_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    INITIALIZE_ROUND_FIELD_NUMBER: _ClassVar[int]
    UPDATE_DELEGATOR_STAKE_FIELD_NUMBER: _ClassVar[int]
    SLASH_MISSED_VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    SLASH_DOUBLE_CLAIM_FIELD_NUMBER: _ClassVar[int]
    PROPOSE_FIELD_NUMBER: _ClassVar[int]
    VOTE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    UNJAIL_FIELD_NUMBER: _ClassVar[int]
    ROTATE_CONSENSUS_KEY_FIELD_NUMBER: _ClassVar[int]
    REGISTER_VERIFIER_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    bond: Bond
    unbond: Unbond
    rebond: Rebond
    transcoder: Transcoder
    resign_as_transcoder: ResignAsTranscoder
    transcode_availability: TranscodeAvailability
    job: Job
    end_job: EndJob
    reassign_job: ReassignJob
    deposit: Deposit
    withdraw: Withdraw
    claim_work: ClaimWork
    verify: Verify
    commit_verdict: CommitVerdict
    reveal_verdict: RevealVerdict
    challenge: Challenge
    distribute_fees: DistributeFees
    reward: Reward
    initialize_round: InitializeRound
    update_delegator_stake: UpdateDelegatorStake
    slash_missed_verification: SlashMissedVerification
    slash_double_claim: SlashDoubleClaim
    propose: Propose
    vote: Vote
    transfer: Transfer
    unjail: Unjail
    rotate_consensus_key: RotateConsensusKey
    register_verifier: RegisterVerifier
    claim_allocation: ClaimAllocation
    def __init__(self, bond: _Optional[_Union[Bond, _Mapping]] = ..., unbond: _Optional[_Union[Unbond, _Mapping]] = ..., rebond: _Optional[_Union[Rebond, _Mapping]] = ..., transcoder: _Optional[_Union[Transcoder, _Mapping]] = ..., resign_as_transcoder: _Optional[_Union[ResignAsTranscoder, _Mapping]] = ..., transcode_availability: _Optional[_Union[TranscodeAvailability, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., end_job: _Optional[_Union[EndJob, _Mapping]] = ..., reassign_job: _Optional[_Union[ReassignJob, _Mapping]] = ..., deposit: _Optional[_Union[Deposit, _Mapping]] = ..., withdraw: _Optional[_Union[Withdraw, _Mapping]] = ..., claim_work: _Optional[_Union[ClaimWork, _Mapping]] = ..., verify: _Optional[_Union[Verify, _Mapping]] = ..., commit_verdict: _Optional[_Union[CommitVerdict, _Mapping]] = ..., reveal_verdict: _Optional[_Union[RevealVerdict, _Mapping]] = ..., challenge: _Optional[_Union[Challenge, _Mapping]] = ..., distribute_fees: _Optional[_Union[DistributeFees, _Mapping]] = ..., reward: _Optional[_Union[Reward, _Mapping]] = ..., initialize_round: _Optional[_Union[InitializeRound, _Mapping]] = ..., update_delegator_stake: _Optional[_Union[UpdateDelegatorStake, _Mapping]] = ..., slash_missed_verification: _Optional[_Union[SlashMissedVerification, _Mapping]] = ..., slash_double_claim: _Optional[_Union[SlashDoubleClaim, _Mapping]] = ..., propose: _Optional[_Union[Propose, _Mapping]] = ..., vote: _Optional[_Union[Vote, _Mapping]] = ..., transfer: _Optional[_Union[Transfer, _Mapping]] = ..., unjail: _Optional[_Union[Unjail, _Mapping]] = ..., rotate_consensus_key: _Optional[_Union[RotateConsensusKey, _Mapping]] = ..., register_verifier: _Optional[_Union[RegisterVerifier, _Mapping]] = ..., claim_allocation: _Optional[_Union[ClaimAllocation, _Mapping]] = ...) -> None: ...

class Bond(_message.Message):
    __slots__ = ("amount", "to")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    amount: bytes
    to: bytes
    def __init__(self, amount: _Optional[bytes] = ..., to: _Optional[bytes] = ...) -> None: ...

class Unbond(_message.Message):
    __slots__ = ("amount",)
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    amount: bytes
    def __init__(self, amount: _Optional[bytes] = ...) -> None: ...

class Rebond(_message.Message):
    __slots__ = ("lock_id", "to")
    LOCK_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    lock_id: int
    to: bytes
    def __init__(self, lock_id: _Optional[int] = ..., to: _Optional[bytes] = ...) -> None: ...

class Transcoder(_message.Message):
    __slots__ = ("price_per_segment", "block_reward_cut", "fee_share", "service_uri", "consensus_pubkey")
    PRICE_PER_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_REWARD_CUT_FIELD_NUMBER: _ClassVar[int]
    FEE_SHARE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_URI_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    price_per_segment: bytes
    block_reward_cut: int
    fee_share: int
    service_uri: str
    consensus_pubkey: bytes
    def __init__(self, price_per_segment: _Optional[bytes] = ..., block_reward_cut: _Optional[int] = ..., fee_share: _Optional[int] = ..., service_uri: _Optional[str] = ..., consensus_pubkey: _Optional[bytes] = ...) -> None: ...

class ResignAsTranscoder(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TranscodeAvailability(_message.Message):
    __slots__ = ("slots",)
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: int
    def __init__(self, slots: _Optional[int] = ...) -> None: ...

class Rendition(_message.Message):
    __slots__ = ("name", "width", "height", "frame_rate_numerator", "frame_rate_denominator", "constant_rate_factor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_RATE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    width: int
    height: int
    frame_rate_numerator: int
    frame_rate_denominator: int
    constant_rate_factor: int
    def __init__(self, name: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., frame_rate_numerator: _Optional[int] = ..., frame_rate_denominator: _Optional[int] = ..., constant_rate_factor: _Optional[int] = ...) -> None: ...

class TranscodingOptions(_message.Message):
    __slots__ = ("profile_id", "renditions")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    RENDITIONS_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    renditions: _containers.RepeatedCompositeFieldContainer[Rendition]
    def __init__(self, profile_id: _Optional[str] = ..., renditions: _Optional[_Iterable[_Union[Rendition, _Mapping]]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("stream_id", "options", "price_per_segment", "escrow_segments")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRICE_PER_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    ESCROW_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    options: TranscodingOptions
    price_per_segment: bytes
    escrow_segments: int
    def __init__(self, stream_id: _Optional[str] = ..., options: _Optional[_Union[TranscodingOptions, _Mapping]] = ..., price_per_segment: _Optional[bytes] = ..., escrow_segments: _Optional[int] = ...) -> None: ...

class EndJob(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    def __init__(self, job_id: _Optional[int] = ...) -> None: ...

class ReassignJob(_message.Message):
    __slots__ = ("job_id", "reason")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    reason: int
    def __init__(self, job_id: _Optional[int] = ..., reason: _Optional[int] = ...) -> None: ...

class Deposit(_message.Message):
    __slots__ = ("amount_wei",)
    AMOUNT_WEI_FIELD_NUMBER: _ClassVar[int]
    amount_wei: bytes
    def __init__(self, amount_wei: _Optional[bytes] = ...) -> None: ...

class Withdraw(_message.Message):
    __slots__ = ("deposit_wei", "lock_ids", "fees_wei")
    DEPOSIT_WEI_FIELD_NUMBER: _ClassVar[int]
    LOCK_IDS_FIELD_NUMBER: _ClassVar[int]
    FEES_WEI_FIELD_NUMBER: _ClassVar[int]
    deposit_wei: bytes
    lock_ids: _containers.RepeatedScalarFieldContainer[int]
    fees_wei: bytes
    def __init__(self, deposit_wei: _Optional[bytes] = ..., lock_ids: _Optional[_Iterable[int]] = ..., fees_wei: _Optional[bytes] = ...) -> None: ...

class SegmentRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class ClaimWork(_message.Message):
    __slots__ = ("job_id", "ranges", "merkle_root")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    ranges: _containers.RepeatedCompositeFieldContainer[SegmentRange]
    merkle_root: bytes
    def __init__(self, job_id: _Optional[int] = ..., ranges: _Optional[_Iterable[_Union[SegmentRange, _Mapping]]] = ..., merkle_root: _Optional[bytes] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("job_id", "stream_id", "sequence_number", "data_hash", "transcoded_hash", "broadcaster_signature", "toolchain", "transcoder_signature")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATA_HASH_FIELD_NUMBER: _ClassVar[int]
    TRANSCODED_HASH_FIELD_NUMBER: _ClassVar[int]
    BROADCASTER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    TOOLCHAIN_FIELD_NUMBER: _ClassVar[int]
    TRANSCODER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    stream_id: str
    sequence_number: int
    data_hash: bytes
    transcoded_hash: bytes
    broadcaster_signature: bytes
    toolchain: str
    transcoder_signature: bytes
    def __init__(self, job_id: _Optional[int] = ..., stream_id: _Optional[str] = ..., sequence_number: _Optional[int] = ..., data_hash: _Optional[bytes] = ..., transcoded_hash: _Optional[bytes] = ..., broadcaster_signature: _Optional[bytes] = ..., toolchain: _Optional[str] = ..., transcoder_signature: _Optional[bytes] = ...) -> None: ...

class Verify(_message.Message):
    __slots__ = ("job_id", "claim_id", "segment", "receipt", "proof", "input_cid", "output_cid")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    INPUT_CID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    segment: int
    receipt: Receipt
    proof: _containers.RepeatedScalarFieldContainer[bytes]
    input_cid: bytes
    output_cid: bytes
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ..., segment: _Optional[int] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., proof: _Optional[_Iterable[bytes]] = ..., input_cid: _Optional[bytes] = ..., output_cid: _Optional[bytes] = ...) -> None: ...

class CommitVerdict(_message.Message):
    __slots__ = ("job_id", "claim_id", "segment", "commitment")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    segment: int
    commitment: bytes
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ..., segment: _Optional[int] = ..., commitment: _Optional[bytes] = ...) -> None: ...

class RevealVerdict(_message.Message):
    __slots__ = ("job_id", "claim_id", "segment", "result", "keyed_digest", "salt", "finding", "rendition")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    KEYED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    RENDITION_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    segment: int
    result: bytes
    keyed_digest: bytes
    salt: bytes
    finding: int
    rendition: int
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ..., segment: _Optional[int] = ..., result: _Optional[bytes] = ..., keyed_digest: _Optional[bytes] = ..., salt: _Optional[bytes] = ..., finding: _Optional[int] = ..., rendition: _Optional[int] = ...) -> None: ...

class Challenge(_message.Message):
    __slots__ = ("job_id", "claim_id", "segment", "receipt", "proof", "source_uri", "bond")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    SOURCE_URI_FIELD_NUMBER: _ClassVar[int]
    BOND_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    segment: int
    receipt: Receipt
    proof: _containers.RepeatedScalarFieldContainer[bytes]
    source_uri: str
    bond: bytes
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ..., segment: _Optional[int] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., proof: _Optional[_Iterable[bytes]] = ..., source_uri: _Optional[str] = ..., bond: _Optional[bytes] = ...) -> None: ...

class DistributeFees(_message.Message):
    __slots__ = ("job_id", "claim_id")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ...) -> None: ...

class Reward(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InitializeRound(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateDelegatorStake(_message.Message):
    __slots__ = ("delegator",)
    DELEGATOR_FIELD_NUMBER: _ClassVar[int]
    delegator: bytes
    def __init__(self, delegator: _Optional[bytes] = ...) -> None: ...

class SlashMissedVerification(_message.Message):
    __slots__ = ("job_id", "claim_id", "segment")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    claim_id: int
    segment: int
    def __init__(self, job_id: _Optional[int] = ..., claim_id: _Optional[int] = ..., segment: _Optional[int] = ...) -> None: ...

class SlashDoubleClaim(_message.Message):
    __slots__ = ("first", "second")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    first: Receipt
    second: Receipt
    def __init__(self, first: _Optional[_Union[Receipt, _Mapping]] = ..., second: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class ParameterChange(_message.Message):
    __slots__ = ("name", "new_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_value: bytes
    def __init__(self, name: _Optional[str] = ..., new_value: _Optional[bytes] = ...) -> None: ...

class Propose(_message.Message):
    __slots__ = ("kind", "title", "text", "changes", "recipient", "lpt", "wei", "upgrade_height", "app_version")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    LPT_FIELD_NUMBER: _ClassVar[int]
    WEI_FIELD_NUMBER: _ClassVar[int]
    UPGRADE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    APP_VERSION_FIELD_NUMBER: _ClassVar[int]
    kind: int
    title: str
    text: str
    changes: _containers.RepeatedCompositeFieldContainer[ParameterChange]
    recipient: bytes
    lpt: bytes
    wei: bytes
    upgrade_height: int
    app_version: int
    def __init__(self, kind: _Optional[int] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[ParameterChange, _Mapping]]] = ..., recipient: _Optional[bytes] = ..., lpt: _Optional[bytes] = ..., wei: _Optional[bytes] = ..., upgrade_height: _Optional[int] = ..., app_version: _Optional[int] = ...) -> None: ...

class Vote(_message.Message):
    __slots__ = ("proposal_id", "option")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    option: int
    def __init__(self, proposal_id: _Optional[int] = ..., option: _Optional[int] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("to", "denom", "amount")
    TO_FIELD_NUMBER: _ClassVar[int]
    DENOM_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    to: bytes
    denom: int
    amount: bytes
    def __init__(self, to: _Optional[bytes] = ..., denom: _Optional[int] = ..., amount: _Optional[bytes] = ...) -> None: ...

class Unjail(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateConsensusKey(_message.Message):
    __slots__ = ("consensus_pubkey",)
    CONSENSUS_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    consensus_pubkey: bytes
    def __init__(self, consensus_pubkey: _Optional[bytes] = ...) -> None: ...

class RegisterVerifier(_message.Message):
    __slots__ = ("bond", "service_uri")
    BOND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_URI_FIELD_NUMBER: _ClassVar[int]
    bond: bytes
    service_uri: str
    def __init__(self, bond: _Optional[bytes] = ..., service_uri: _Optional[str] = ...) -> None: ...

class ClaimAllocation(_message.Message):
    __slots__ = ("index", "amount", "proof")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    index: int
    amount: bytes
    proof: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, index: _Optional[int] = ..., amount: _Optional[bytes] = ..., proof: _Optional[_Iterable[bytes]] = ...) -> None: ...
