"""Runs a Python handler in a process of its own. The other end is frames.ts; see bootstrap.mjs for its Node twin.

Error payloads and log lines are those of AWS's Python runtime client. Between runs the process waits in a
blocking read. Any Python from 3.8 on, standard library only.
"""

import importlib
import json
import logging
import os
import struct
import sys
import time
import traceback
from decimal import Decimal

INBOUND, OUTBOUND = 3, 4
ASSIGN, RUN = 1, 2
READY, INIT_ERROR, BEGIN, END, FORGOT = 1, 2, 3, 4, 5
END_ERROR, END_NEXT_BEGINS, END_FORGETS, END_TOO_LARGE = 1, 2, 8, 16
SLOW_RUN_S = 0.020
MAX_RESPONSE_BYTES = 6_291_556
RSS_EVERY_S = 0.050
RECORD, TEXT, CONTINUED = 1, 2, 128
PIECE_BYTES = 16_384
NO_BREAK_SPACE = "\u00a0"
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Fault(Exception):
    """What the runtime itself finds wrong: type, message and stack as the caller gets them."""

    def __init__(self, error_type, message, stack=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.stack = stack or []


def write_all(fd, data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            # The server is gone; there is nobody to work for.
            os._exit(1)


class Wire:
    def __init__(self):
        self.buffer = b""
        self.at = 0
        self.epoch = 0
        self.upcoming = None

    def read_more(self):
        data = os.read(INBOUND, 65_536)
        if not data:
            os._exit(0)
        self.buffer = self.buffer[self.at :] + data
        self.at = 0

    def take(self):
        if len(self.buffer) - self.at < 4:
            return None
        (length,) = struct.unpack_from("<I", self.buffer, self.at)
        start = self.at + 4
        if len(self.buffer) - start < length:
            return None
        self.at = start + length
        return self.buffer[start : self.at]

    def wait(self):
        while True:
            frame = self.take()
            if frame is not None:
                return frame
            self.read_more()

    def peek_run(self):
        while self.upcoming is None:
            frame = self.take()
            if frame is None:
                return None
            _, sequence, epoch, timeout_ms, head_length = struct.unpack_from("<BIIII", frame)
            # Runs of an older epoch were taken back by the server.
            if epoch == self.epoch:
                head = frame[17 : 17 + head_length].decode().split("\n", 3)
                self.upcoming = (sequence, timeout_ms, *head, frame[17 + head_length :])
        return self.upcoming

    def send(self, kind, body):
        write_all(OUTBOUND, struct.pack("<IB", len(body) + 1, kind) + body)


class Log:
    """Frames that name the run they belong to; log-reader.ts reads them."""

    def __init__(self, nonce, hidden):
        self.nonce = nonce
        self.hidden = hidden
        self.sequence = 0
        self.request_id = None

    def frame(self, kind, text):
        data = text.encode("utf-8", "surrogateescape")
        pieces = [data[i : i + PIECE_BYTES] for i in range(0, len(data), PIECE_BYTES)] or [b""]
        for i, piece in enumerate(pieces):
            flag = CONTINUED if i < len(pieces) - 1 and kind == RECORD else 0
            write_all(1, self.nonce + struct.pack("<IBI", self.sequence, kind | flag, len(piece)) + piece)

    def shown(self, text):
        for path, name in self.hidden:
            text = text.replace(path, name)
        return text


class Stream:
    """Standard output or error: text goes out with every line break, and when it is flushed."""

    encoding = "utf-8"
    errors = "surrogateescape"
    newlines = None
    closed = False

    def __init__(self, log, fd):
        self.log = log
        self.fd = fd
        self.pending = ""
        self.buffer = self.Bytes(self)

    class Bytes:
        def __init__(self, stream):
            self.stream = stream

        def write(self, data):
            self.stream.write(bytes(data).decode("utf-8", "surrogateescape"))
            return len(data)

        def flush(self):
            self.stream.flush()

    def write(self, text):
        self.pending += text
        if "\n" in text or len(self.pending) > 8192:
            self.flush()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        if self.pending:
            text, self.pending = self.pending, ""
            self.log.frame(TEXT, text)

    def fileno(self):
        return self.fd

    def isatty(self):
        return False

    def readable(self):
        return False

    def writable(self):
        return True

    def seekable(self):
        return False


class Handler(logging.Handler):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def emit(self, record):
        try:
            self.log.frame(RECORD, self.format(record))
        except Exception:
            self.handleError(record)


class AddRequestId(logging.Filter):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def filter(self, record):
        record.aws_request_id = self.log.request_id or ""
        return True


STANDARD_FIELDS = set(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}


def iso(seconds):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"


class JsonFormatter(logging.Formatter):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def format(self, record):
        entry = {
            "timestamp": iso(record.created),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            error_type, error, trace = record.exc_info
            entry["stackTrace"] = [self.log.shown(line) for line in traceback.format_tb(trace)]
            entry["errorType"] = error_type.__name__
            entry["errorMessage"] = str(error)
            entry["location"] = self.log.shown(f"{record.pathname}:{record.funcName}:{record.lineno}")
        entry["requestId"] = record.aws_request_id
        for name, value in vars(record).items():
            if name not in STANDARD_FIELDS and name not in entry:
                entry[name] = value
        return json.dumps(entry, ensure_ascii=False, default=str)


def set_up_logging(log, as_json):
    logging.Formatter.converter = time.gmtime
    handler = Handler(log)
    if as_json:
        handler.setFormatter(JsonFormatter(log))
    else:
        handler.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
                "%Y-%m-%dT%H:%M:%S",
            )
        )
    handler.addFilter(AddRequestId(log))
    root = logging.getLogger()
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else "CRITICAL" if level == "FATAL" else level
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)


def log_error(log, error, as_json):
    if as_json:
        entry = {"timestamp": iso(time.time()), "level": "ERROR", **error}
        log.frame(RECORD, json.dumps(entry, ensure_ascii=False))
        return
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        for line in frame.splitlines():
            bare = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(bare)) + bare)
    log.frame(RECORD, "\n".join(lines) + "\n")


def describe(log, error, request_id):
    """The error as a caller gets it; the members in AWS's order."""
    if isinstance(error, Fault):
        error_type, message, stack = error.error_type, error.message, error.stack
    else:
        frames = traceback.extract_tb(error.__traceback__)
        first = next((i for i, f in enumerate(frames) if f.filename != __file__), len(frames))
        # Tuples, not summaries: no carets under the line.
        stack = traceback.format_list([(f.filename, f.lineno, f.name, f.line) for f in frames[first:]])
        error_type, message = type(error).__name__, str(error)
    return {
        "errorMessage": log.shown(message),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": [log.shown(line) for line in stack],
    }


def load_handler(name):
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict",
            f"Cannot use built-in module {module_name} as a handler module",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from None
    except SyntaxError as error:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from None


class Members:
    """An object with the given members, None where the values lack them."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name))


class Context:
    def __init__(self, facts, request_id, arn, client_context, deadline):
        self.aws_request_id = request_id
        self.function_name = facts["functionName"]
        self.function_version = facts["functionVersion"]
        self.invoked_function_arn = arn
        self.memory_limit_in_mb = facts["memoryLimitInMB"]
        self.log_group_name = facts["logGroupName"]
        self.log_stream_name = facts["logStreamName"]
        self.tenant_id = None
        self.identity = Members(("cognito_identity_id", "cognito_identity_pool_id"), {})
        self.client_context = None
        if client_context:
            self.client_context = Members(("custom", "env", "client"), client_context)
            if self.client_context.client is not None:
                self.client_context.client = Members(
                    ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"),
                    self.client_context.client,
                )
        self._deadline = deadline

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def plain(value):
    """What JSON has no word for; everything else is refused."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def rss_kb():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * PAGE_KB


def run_one(log, handler, facts, run, began, ascii_only, as_json):
    """The flags and payload of one run."""
    _, timeout_ms, request_id, arn, trace, client_context, payload = run
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        try:
            context_data = json.loads(client_context) if client_context else None
        except ValueError as error:
            raise Fault(
                "Runtime.LambdaContextUnmarshalError", f"Unable to parse Client Context JSON: {error}"
            ) from None
        context = Context(facts, request_id, arn, context_data, began + timeout_ms / 1000)
        try:
            event = json.loads(payload)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
        result = handler(event, context)
        if isinstance(result, bytes):
            answer = result
        else:
            try:
                answer = json.dumps(result, default=plain, ensure_ascii=ascii_only).encode(
                    "utf-8", "surrogatepass"
                )
            except Exception as error:
                raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None
    except Exception as error:
        described = describe(log, error, request_id)
        log_error(log, described, as_json)
        return END_ERROR, json.dumps(described).encode()
    if len(answer) > MAX_RESPONSE_BYTES:
        return END_TOO_LARGE, b""
    return 0, answer


def main():
    wire = Wire()
    assignment = json.loads(wire.wait()[1:])
    environment = assignment.get("environment")
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        # Python looked for it before it was there.
        sys.path[1:1] = [path for path in environment.get("PYTHONPATH", "").split(":") if path]
    library = os.path.dirname(os.__file__)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    log = Log(
        bytes.fromhex(assignment["nonce"]),
        [tuple(pair) for pair in assignment["hidden"]] + [(library, f"/var/lang/lib/python{version}")],
    )
    as_json = assignment["logFormat"] == "JSON"
    sys.stdout = sys.__stdout__ = Stream(log, 1)
    sys.stderr = sys.__stderr__ = Stream(log, 2)
    set_up_logging(log, as_json)
    sys.argv = sys.argv[:1]
    sys.path[0] = assignment["taskRoot"]
    os.chdir(assignment["taskRoot"])
    try:
        handler = load_handler(os.environ.get("_HANDLER", ""))
    except Exception as error:
        described = describe(log, error, "")
        log_error(log, described, as_json)
        wire.send(INIT_ERROR, json.dumps(described).encode())
        sys.exit(1)
    wire.send(READY, struct.pack("<I", rss_kb()))

    runtime = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
    ascii_only = not (runtime.isdigit() and int(runtime) >= 12)
    announced = False
    announced_at = 0.0
    rss_at = 0.0
    while True:
        known = announced and wire.peek_run() is not None
        while wire.peek_run() is None:
            wire.read_more()
        run, wire.upcoming = wire.upcoming, None
        if not known:
            announced_at = time.monotonic()
            wire.send(BEGIN, struct.pack("<I", run[0]))
        log.sequence, log.request_id = run[0], run[2]
        began = time.monotonic()
        flags, payload = run_one(log, handler, assignment["context"], run, began, ascii_only, as_json)
        sys.stdout.flush()
        sys.stderr.flush()
        now = time.monotonic()
        announced = False
        # Counted from the announcement, which is what the server sees.
        since = announced_at
        if now - since >= SLOW_RUN_S:
            flags |= END_FORGETS
            wire.epoch += 1
        elif wire.peek_run() is not None:
            flags |= END_NEXT_BEGINS
            announced = True
        announced_at = now
        rss = 0
        if now - rss_at >= RSS_EVERY_S:
            rss_at = now
            rss = rss_kb()
        head = struct.pack("<IBdI", run[0], flags, (now - began) * 1000, rss)
        wire.send(END, head + payload)
        # The processor may have been elsewhere since `now`, and the server may have drawn its conclusions.
        if not flags & END_FORGETS and time.monotonic() - since >= SLOW_RUN_S:
            wire.epoch += 1
            wire.upcoming = None
            announced = False
            wire.send(FORGOT, b"")


if __name__ == "__main__":
    main()
