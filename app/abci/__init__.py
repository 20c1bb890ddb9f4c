"""ABCI 2.0: CometBFT's requests come in over a socket, go to an application, and the answers go back in order.

Low to high: `proto` (the wire's messages), `errors`, `framing` (bytes to frames), `codec` (frames to requests, answers
to frames), `application` (one method per request), `dispatch` (what a raising method means), `connection` (the order of
answers, without I/O), `address` (what `--listen` accepts), `handler` and `server` (asyncio, signals, exit codes).

Source: CometBFT v0.40.0, `spec/abci`, `abci/client/socket_client.go` and `libs/protoio`.
"""
