from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.state_proof import (
    ABSENCE_OP_TYPE,
    EMPTY_HASH,
    EXISTENCE_OP_TYPE,
    AbsenceProof,
    ExistenceProof,
    Neighbour,
    ProofOp,
    StateProofError,
    compute_app_hash,
    compute_inner_hash,
    compute_leaf_hash,
    decode_proof,
    encode_proof,
    verify_absence,
    verify_answer,
    verify_existence,
)
from tests.support.naive_tree import bits_of, naive_leaf_hash, naive_root, naive_subtree

PAIRS = {f"key {number}".encode(): f"value {number}".encode() for number in range(40)}
ABSENT = [f"absent {number}".encode() for number in range(40)]
APP_HASH = compute_app_hash(naive_root(PAIRS))
HASHES = st.binary(min_size=32, max_size=32)


def path_bits(key):
    return bits_of(sha256(key).digest())


def prove(pairs, key):
    """The proof by definition: walk down while more than one leaf is left, taking the hash of the other side along."""
    left, depth, aunts = dict(pairs), 0, []
    while len(left) > 1:
        near = {other: value for other, value in left.items() if path_bits(other)[depth] == path_bits(key)[depth]}
        depth += 1
        far = [(path_bits(other)[depth:], naive_leaf_hash(other, left[other])) for other in left if other not in near]
        aunts.insert(0, naive_subtree(far))
        left = near
    if key in left:
        return ExistenceProof(key, naive_leaf_hash(key, left[key]), tuple(aunts))
    neighbour = [Neighbour.of(other, value) for other, value in left.items()]
    return AbsenceProof(key, neighbour[0] if neighbour else None, tuple(aunts))


class TestValidProofs:
    @pytest.mark.parametrize("key", PAIRS)
    def test_a_value_is_proven_through_its_wire_form(self, key):
        proof = prove(PAIRS, key)
        verify_existence(APP_HASH, key, PAIRS[key], proof)
        assert decode_proof(encode_proof(proof)) == proof
        verify_answer(APP_HASH, key, PAIRS[key], encode_proof(proof))

    @pytest.mark.parametrize("key", ABSENT)
    def test_absence_is_proven_through_its_wire_form(self, key):
        proof = prove(PAIRS, key)
        verify_absence(APP_HASH, key, proof)
        assert decode_proof(encode_proof(proof)) == proof
        verify_answer(APP_HASH, key, None, encode_proof(proof))

    def test_the_absent_keys_above_meet_both_kinds_of_places(self):
        kinds = [prove(PAIRS, key).neighbour is None for key in ABSENT]
        assert any(kinds)
        assert not all(kinds)

    def test_in_the_empty_state_everything_is_absent(self):
        verify_answer(compute_app_hash(EMPTY_HASH), b"any", None, encode_proof(AbsenceProof(b"any", None, ())))

    def test_a_single_pair_needs_no_aunts(self):
        proof = prove({b"only": b"value"}, b"only")
        assert proof.aunts == ()
        verify_answer(compute_app_hash(naive_root({b"only": b"value"})), b"only", b"value", encode_proof(proof))

    def test_the_operators_are_the_two_of_the_stock_light_client_byte_by_byte(self):
        pairs = {b"a": b"1", b"b": b"2"}
        proof = prove(pairs, b"a")
        bit = int(path_bits(b"a")[0])
        assert [path_bits(b"a")[0], path_bits(b"b")[0]] == ["1", "0"]
        leaf, aunt, root = naive_leaf_hash(b"a", b"1"), naive_leaf_hash(b"b", b"2"), naive_root(pairs)
        inner = b"\x08\x02" + b"\x10\x01" * bit + b"\x1a\x20" + leaf + b"\x22\x20" + aunt
        outer = b"\x08\x01" + b"\x1a\x20" + compute_app_hash(root)
        assert encode_proof(proof) == (
            ProofOp("simple:v", b"a", b"\x0a\x01a" + b"\x12" + bytes([len(inner)]) + inner),
            ProofOp("simple:v", b"state", b"\x0a\x05state" + b"\x12" + bytes([len(outer)]) + outer),
        )


class TestRefusals:
    KEY, OTHER = b"key 1", b"key 2"

    def assert_refused(self, text, verify, *arguments):
        with pytest.raises(StateProofError, match=text):
            verify(*arguments)

    def test_another_value(self):
        proof = prove(PAIRS, self.KEY)
        self.assert_refused("another value", verify_existence, APP_HASH, self.KEY, b"forged", proof)

    def test_a_true_proof_of_another_key(self):
        proof = prove(PAIRS, self.OTHER)
        self.assert_refused("the proof is for key", verify_existence, APP_HASH, self.KEY, PAIRS[self.OTHER], proof)
        proof = prove(PAIRS, ABSENT[0])
        self.assert_refused("the proof is for key", verify_absence, APP_HASH, self.KEY, proof)

    def test_another_app_hash(self):
        for app_hash in (compute_app_hash(EMPTY_HASH), b"", APP_HASH[:-1]):
            self.assert_refused(
                "another app hash", verify_existence, app_hash, self.KEY, PAIRS[self.KEY], prove(PAIRS, self.KEY)
            )
            self.assert_refused("another app hash", verify_absence, app_hash, ABSENT[0], prove(PAIRS, ABSENT[0]))

    def test_existence_where_absence_was_answered_and_the_reverse(self):
        existence, absence = prove(PAIRS, self.KEY), prove(PAIRS, ABSENT[0])
        self.assert_refused("shows a value of the key", verify_absence, APP_HASH, self.KEY, existence)
        self.assert_refused("shows that the key is absent", verify_existence, APP_HASH, ABSENT[0], b"", absence)

    def test_the_key_itself_as_its_neighbour(self):
        proof = prove(PAIRS, self.KEY)
        forged = AbsenceProof(self.KEY, Neighbour.of(self.KEY, PAIRS[self.KEY]), proof.aunts)
        self.assert_refused("the key itself", verify_absence, APP_HASH, self.KEY, forged)

    def test_a_neighbour_from_another_place(self):
        for key in PAIRS:
            proof = prove(PAIRS, self.KEY)
            if key != self.KEY:
                forged = AbsenceProof(self.KEY, Neighbour.of(key, PAIRS[key]), prove(PAIRS, key).aunts)
                self.assert_refused("key's place", verify_absence, APP_HASH, self.KEY, forged)
                forged = replace(forged, aunts=proof.aunts)
                self.assert_refused("key's place|another app hash", verify_absence, APP_HASH, self.KEY, forged)

    def test_an_empty_place_that_is_not_empty(self):
        forged = AbsenceProof(self.KEY, None, prove(PAIRS, self.KEY).aunts)
        self.assert_refused("another app hash", verify_absence, APP_HASH, self.KEY, forged)

    def test_an_inner_node_passed_off_as_a_leaf(self):
        proof = prove(PAIRS, self.KEY)
        above = compute_inner_hash(*(sorted([proof.leaf_hash, proof.aunts[0]])))
        forged = ExistenceProof(self.KEY, above, proof.aunts[1:])
        self.assert_refused("another value", verify_existence, APP_HASH, self.KEY, PAIRS[self.KEY], forged)

    def test_the_empty_key(self):
        proof = ExistenceProof(b"", compute_leaf_hash(b"", sha256(b"").digest()), ())
        self.assert_refused("empty key", verify_existence, APP_HASH, b"", b"", proof)

    def test_hashes_of_another_length_and_proofs_deeper_than_a_path(self):
        short = replace(prove(PAIRS, self.KEY), aunts=(b"short",))
        self.assert_refused("32 bytes", verify_existence, APP_HASH, self.KEY, PAIRS[self.KEY], short)
        deep = AbsenceProof(self.KEY, None, (EMPTY_HASH,) * 257)
        self.assert_refused("257 levels", verify_absence, APP_HASH, self.KEY, deep)
        deep = AbsenceProof(self.KEY, Neighbour(b"other", EMPTY_HASH), (EMPTY_HASH,) * 257)
        self.assert_refused("key's place", verify_absence, APP_HASH, self.KEY, deep)

    def test_a_leaf_too_deep_for_the_stock_format(self):
        leaf = naive_leaf_hash(self.KEY, b"")
        encode_proof(ExistenceProof(self.KEY, leaf, (EMPTY_HASH,) * 62))
        self.assert_refused("63 levels deep", encode_proof, ExistenceProof(self.KEY, leaf, (EMPTY_HASH,) * 63))


class TestDecoding:
    OPS = encode_proof(prove(PAIRS, b"key 1"))

    @pytest.mark.parametrize(
        "ops",
        [
            (),
            OPS[:1],
            OPS[1:],
            OPS[::-1],
            (*OPS, OPS[1]),
            (OPS[0]._replace(type="ics23:iavl"), OPS[1]),
            (OPS[0]._replace(key=b"key 2"), OPS[1]),
            (OPS[0], OPS[1]._replace(key=b"other")),
            (OPS[0]._replace(data=OPS[0].data + b"\x18\x01"), OPS[1]),
            (OPS[0]._replace(data=b""), OPS[1]),
            (OPS[0]._replace(data=bytes(1 << 17)), OPS[1]),
        ],
    )
    def test_operators_that_do_not_fit_together_are_refused(self, ops):
        with pytest.raises(StateProofError):
            decode_proof(ops)

    def test_every_changed_byte_is_refused_by_decoding_or_verifying(self):
        for number, op in enumerate(self.OPS):
            for position in range(len(op.data)):
                data = bytearray(op.data)
                data[position] ^= 1
                ops = list(self.OPS)
                ops[number] = op._replace(data=bytes(data))
                with pytest.raises(StateProofError):
                    verify_answer(APP_HASH, b"key 1", PAIRS[b"key 1"], ops)

    def test_every_truncation_is_refused(self):
        for ops in (self.OPS, encode_proof(prove(PAIRS, ABSENT[0]))):
            for length in range(len(ops[0].data)):
                with pytest.raises(StateProofError):
                    verify_answer(APP_HASH, ops[0].key, None, (ops[0]._replace(data=ops[0].data[:length]), *ops[1:]))

    TYPES = st.sampled_from([EXISTENCE_OP_TYPE, ABSENCE_OP_TYPE, "", "other"])
    FIELDS = st.lists(
        st.one_of(
            st.binary(max_size=8),
            st.tuples(st.sampled_from([b"\x0a\x20", b"\x12\x20", b"\x1a\x20", b"\x22\x20"]), HASHES).map(b"".join),
        ),
        max_size=5,
    ).map(b"".join)

    @given(st.lists(st.builds(ProofOp, TYPES, st.binary(max_size=6), FIELDS), max_size=3), st.binary(max_size=6))
    def test_nothing_but_the_typed_error_comes_out_of_any_operators(self, ops, key):
        for value in (None, b"value"):
            with pytest.raises(StateProofError):
                verify_answer(APP_HASH, key, value, ops)

    @given(
        st.builds(AbsenceProof, st.binary(), st.none() | st.builds(Neighbour, st.binary(), HASHES), st.tuples(HASHES))
        | st.builds(ExistenceProof, st.binary(), HASHES, st.lists(HASHES, max_size=62).map(tuple))
    )
    def test_every_well_formed_proof_survives_its_wire_form(self, proof):
        assert decode_proof(encode_proof(proof)) == proof
