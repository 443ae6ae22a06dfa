"""A mail server that keeps everything and delivers nothing, and a page that shows what arrived.

Addresses with a planted fault, so that retries and refusals can be shown:

- ``anybody@refused.test`` is refused for good (550), each time;
- ``anybody@busy.test`` is put off (451) the first time a Message-ID comes, and taken the second time;
- ``anybody@cut.test`` is kept, but the connection is cut before the answer, the first time a Message-ID comes: the
  sender can't know, and a right one sends the message again under the same Message-ID.
"""
