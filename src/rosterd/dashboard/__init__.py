"""Pages for people: signing in, consenting to an app, finding colleagues, and administering all of it.

Rules of this package:

1. It is a stranger to :mod:`rosterd.web`: a request is what :class:`rosterd.dashboard.pages.Visit` says, an
   answer is a :class:`rosterd.dashboard.pages.Page`, and :mod:`rosterd.app` brings the two together.
2. Pages work without scripts: they are forms, links, and one stylesheet of our own. One script of our own
   makes some of them more pleasant. What a page may load and where its forms may lead stands in its headers.
3. Only a POST changes anything, and only one that comes from our own pages (:mod:`rosterd.dashboard.forms`).
4. Whoever is signed in is known by a cookie, which counts here and nowhere else. The organisation is that of
   the session, never that of the address.
5. No rule lives here: pages read the store, and call actions.
"""
