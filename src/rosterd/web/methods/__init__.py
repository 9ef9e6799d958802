"""The Web API: what ``/api/METHOD`` answers, one function a method.

Rules of this package:

1. A method is a function under ``@method(…)``, which says what Slack's page says of it: its scopes, its tier,
   the plans it belongs to, whether administrators alone may call it. The frame holds it to that before the
   function runs. `api` lists the modules whose methods are served.
2. Methods translate: arguments to an action's, values to Slack's objects. No rule lives here. A method that
   writes does it in one transaction, for the caller that ``call.caller(tx)`` gives.
3. An answer is 200 with ``"ok": true`` or, whatever was wrong with the call, ``"ok": false`` and a word for
   it. Statuses are for what the caller cannot help: 429, 500, 503.
4. What the directory's rules refuse is said in this API's words: one table in `errors`, and on a method what
   its own page calls otherwise.

`arguments` reads what was sent, `callers` judges tokens, `cursors` pages, `call` is what a method sees, and
`people` draws the user object.

Source: Slack's pages *Web API*, *Rate limits*, *Pagination*, and the page of each method.
"""
