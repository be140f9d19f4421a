package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.BackendMessage.Field;
import io.asyncpg.protocol.FrontendMessage.Target;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One SQL text made ready: its name on the server, its parameters and its columns. Confined to the
 * event loop.
 *
 * <p>Its life: cold; asked for (Parse and Describe are on their way, then perhaps a question about
 * types nobody knows yet); ready; at any time discarded. Without a name it is parsed anew with each
 * execution, so that nothing on the server outlives the Sync: a pooler between transactions may
 * give the session another server.
 */
final class Preparation {
  private static final int[] NO_TYPES = {};
  private static final byte[] ALL_TEXT = {0, 0};
  private static final byte[] ALL_BINARY = {0, 1, 0, 1};

  private enum State {
    COLD,
    /** Another session's description is trusted; Parse is still to be written. */
    RECALLED,
    ASKED,
    READY,
    FAILED,
    DISCARDED;

    private boolean leadsTo(State next) {
      return switch (this) {
        case COLD -> next == ASKED || next == RECALLED || next == DISCARDED;
        case RECALLED -> next == ASKED || next == READY || next == DISCARDED;
        case ASKED -> next == READY || next == FAILED || next == COLD || next == DISCARDED;
        case READY -> next == DISCARDED;
        case FAILED, DISCARDED -> next == DISCARDED;
      };
    }
  }

  private final String sql;
  private final byte[] name;
  private final TypeCatalog types;
  private final CodecRegistry codecs;
  private final int generation;
  private final long madeAt = System.nanoTime();
  private final ResponseSize responseSize = new ResponseSize();
  private @Nullable Boolean mayLeaveTraces;
  private @Nullable Boolean mayCommit;

  private State state = State.COLD;
  private boolean onServer;
  private boolean doubted;
  private boolean cancelled;
  private int askedIn;
  private @Nullable ParseAndDescribe asking;
  private @Nullable RuntimeException failure;
  private int[] parameterOids = NO_TYPES;
  private List<Field> fields = List.of();

  private PgType[] parameters = {};

  /** Which parameters the server takes in text: of a NULL too it wants to know the format. */
  private boolean[] inText = {};

  private Class<?>[] argumentClasses = {};
  private @Nullable Codec<Object>[] argumentCodecs = codecs(0);
  private ResultShape shape = ResultShape.NO_COLUMNS;

  Preparation(String sql, byte[] name, TypeCatalog types, CodecRegistry codecs) {
    this.sql = sql;
    this.name = name;
    this.types = types;
    this.codecs = codecs;
    this.generation = types.generation();
  }

  String sql() {
    return sql;
  }

  /** Whether running it may leave anything in the session. */
  boolean mayLeaveTraces() {
    Boolean known = mayLeaveTraces;
    if (known == null) {
      known = Sql.mayLeaveTraces(sql);
      mayLeaveTraces = known;
    }
    return known;
  }

  /** Whether it may have committed something when it fails. */
  boolean mayCommit() {
    Boolean known = mayCommit;
    if (known == null) {
      known = Sql.mayCommit(sql);
      mayCommit = known;
    }
    return known;
  }

  byte[] name() {
    return name;
  }

  ResponseSize responseSize() {
    return responseSize;
  }

  /** Its name on the server; empty for none. */
  String nameText() {
    return new String(name, 0, name.length - 1, StandardCharsets.UTF_8);
  }

  boolean isUnnamed() {
    return name.length == 1;
  }

  boolean isReady() {
    return state == State.READY;
  }

  boolean isRecalled() {
    return state == State.RECALLED;
  }

  /**
   * Takes over what another session of the pool has found it to be, so that it can be parsed, bound
   * and run in one flight. The parameters' types are told to the server then, and the columns'
   * types are compared with what it says.
   *
   * @return whether it is known
   */
  boolean recall() {
    if (state != State.COLD) {
      return state == State.RECALLED;
    }
    TypeCatalog.Description known = types.describe(sql);
    if (known == null || hasUnknownTypes(known)) {
      return false;
    }
    parameterOids = known.parameterOids();
    fields = known.fields();
    try {
      if (!chooseCodecs()) {
        return false;
      }
    } catch (PgCodecException toBeToldInItsTurn) {
      return false;
    }
    move(State.RECALLED);
    return true;
  }

  private boolean hasUnknownTypes(TypeCatalog.Description description) {
    for (int oid : description.parameterOids()) {
      if (types.find(oid) == null) {
        return true;
      }
    }
    for (Field field : description.fields()) {
      if (types.find(field.typeOid()) == null
          || (isRecord(field.typeOid()) && !types.isComplete())) {
        return true;
      }
    }
    return false;
  }

  /** Parse, with the types we take its parameters for, and Describe. */
  void writeParseAndDescribe(FrontendWriter out) {
    out.parse(name, sql, parameterOids);
    out.describe(Target.STATEMENT, name);
  }

  /** Its Parse has been written; what is written from now on comes behind that. */
  void parseWritten() {
    if (state == State.RECALLED) {
      move(State.READY);
    }
  }

  /** ParseComplete, for a Parse that went with a request. */
  void parsed(Session session) {
    onServer = true;
    if (state == State.DISCARDED && !isUnnamed()) {
      onServer = false;
      session.statements().closeLater(name);
    }
  }

  /** The Parse that went with a request was lost to a cancel: what is bound behind it fails. */
  void parseCancelled() {
    cancelled = true;
  }

  boolean wasParseCancelled() {
    return cancelled;
  }

  /**
   * What the server says of the columns of a statement that was recalled.
   *
   * @return whether rows come in the formats that their columns are read in
   */
  boolean described(List<Field> now) {
    if (now.equals(fields)) {
      return true;
    }
    // The table was altered since. New columns in the formats asked for can be read all the same.
    types.forgetDescription(sql);
    TypeCatalog.Description changed = new TypeCatalog.Description(parameterOids, now);
    if (hasUnknownTypes(changed)) {
      return false;
    }
    byte[] asked = shape.resultFormats();
    fields = now;
    try {
      return chooseCodecs() && Arrays.equals(asked, shape.resultFormats());
    } catch (PgCodecException toBeToldWhenPreparedAnew) {
      return false;
    }
  }

  boolean isDiscarded() {
    return state == State.DISCARDED;
  }

  /** The server says that a parameter's value does not fit its type. */
  void doubtParameters() {
    for (PgType parameter : parameters) {
      types.doubt(parameter);
    }
  }

  /** Whether types and codecs are still those that it was made with, and its parameters fit. */
  boolean isUpToDate(CodecRegistry codecs) {
    return !doubted && this.codecs == codecs && generation == types.generation();
  }

  /** Whether its parameters may not be what they were: an argument did not fit. */
  boolean isDoubted() {
    return doubted;
  }

  boolean isOlderThan(long nanos) {
    return System.nanoTime() - madeAt > nanos;
  }

  /** Whether the server will ask for the data of a COPY. */
  boolean readsFromClient() {
    return shape == ResultShape.NO_COLUMNS && Sql.isCopyFromClient(sql);
  }

  /** Why it cannot be made ready; null while it may still be. */
  @Nullable RuntimeException failure() {
    return failure;
  }

  List<PgType> parameters() {
    return List.of(parameters);
  }

  int[] parameterOids() {
    return parameterOids;
  }

  ResultShape shape() {
    return shape;
  }

  /**
   * No longer to be used.
   *
   * @return whether the server holds a statement of this name that has to be closed
   */
  boolean discard() {
    boolean wasOnServer = onServer && !isUnnamed();
    onServer = false;
    if (state != State.DISCARDED) {
      move(State.DISCARDED);
    }
    return wasOnServer;
  }

  /**
   * Asks the server for what is missing, if nobody has yet.
   *
   * @param decisive whether all that comes before has been written, so that a failure is final
   */
  void ask(Session session, boolean decisive) {
    if (state == State.COLD || state == State.RECALLED) {
      move(State.ASKED);
      askedIn = types.generation();
      ParseAndDescribe question = new ParseAndDescribe(session, decisive);
      asking = question;
      session.submitUrgently(question);
    }
  }

  /** Whether its Parse is to be written, or is not answered, or its types are being looked up. */
  boolean isAsked() {
    return state == State.ASKED;
  }

  /** Whether the server is at work on it. */
  boolean isUnderWay() {
    ParseAndDescribe question = asking;
    return state == State.ASKED && question != null && question.stage() == Exchange.Stage.WRITTEN;
  }

  /** Nobody waits for it any more: a Parse that waits for a lock would hold up all that follows. */
  void giveUp(Session session) {
    ParseAndDescribe question = asking;
    if (state != State.ASKED || question == null) {
      return;
    }
    if (question.stage() == Exchange.Stage.WAITING) {
      question.abandon(); // and is not written: the socket had no room for it yet
      move(State.COLD);
    } else if (isUnderWay()) {
      session.stop(question);
    }
  }

  private void move(State next) {
    assert state.leadsTo(next) : state + " -> " + next;
    state = next;
  }

  /** Everything needed of the types is known: choose the codecs. */
  private void resolve(Session session) {
    Set<Integer> unknown = new TreeSet<>();
    for (int oid : parameterOids) {
      if (types.find(oid) == null) {
        unknown.add(oid);
      }
    }
    for (Field field : fields) {
      if (types.find(field.typeOid()) == null) {
        unknown.add(field.typeOid());
      }
    }
    Consumer<@Nullable PgException> then =
        whyNot -> {
          if (whyNot == null) {
            resolve(session);
          } else if (state == State.ASKED) {
            cannotBeMadeReady(session, whyNot);
          }
          session.goOn();
        };
    if (!unknown.isEmpty()) {
      session.submitUrgently(TypeLookup.of(types, List.copyOf(unknown), then));
      return;
    }
    if (!types.isComplete() && fields.stream().anyMatch(field -> isRecord(field.typeOid()))) {
      session.submitUrgently(TypeLookup.all(types, then));
      return;
    }
    try {
      if (!chooseCodecs()) {
        resolve(session); // another connection of the pool has just forgotten one of them
        return;
      }
    } catch (PgCodecException none) {
      if (state == State.ASKED) {
        cannotBeMadeReady(session, none);
      }
      return;
    }
    if (state == State.ASKED) {
      move(State.READY);
      types.remember(sql, new TypeCatalog.Description(parameterOids, fields), askedIn);
    }
  }

  /** It fails for whoever waits for it, and is tried anew for the next. */
  private void cannotBeMadeReady(Session session, RuntimeException why) {
    failure = why;
    move(State.FAILED);
    session.statements().forgetFailed(this);
    if (onServer && !isUnnamed()) {
      onServer = false;
      session.statements().closeLater(name);
    }
  }

  /**
   * Chooses them.
   *
   * @return false if one of the types is not known, or is not known any more
   * @throws PgCodecException and nothing else, whatever a codec module does
   */
  private boolean chooseCodecs() {
    PgType[] given = new PgType[parameterOids.length];
    for (int i = 0; i < given.length; i++) {
      PgType type = types.find(parameterOids[i]);
      if (type == null) {
        return false;
      }
      given[i] = type;
    }
    List<Column> columns = new ArrayList<>(fields.size());
    for (Field field : fields) {
      PgType type = types.find(field.typeOid());
      if (type == null) {
        return false;
      }
      columns.add(
          new Column(field.name(), type, field.tableOid(), field.attribute(), field.typmod()));
    }
    parameters = given;
    inText = new boolean[parameters.length];
    for (int i = 0; i < parameters.length; i++) {
      inText[i] = ResultShape.decoder(codecs, parameters[i]).format() == Format.TEXT;
    }
    argumentClasses = new Class<?>[parameters.length];
    argumentCodecs = codecs(parameters.length);
    shape =
        columns.isEmpty() ? ResultShape.NO_COLUMNS : new ResultShape(columns, codecs, types::doubt);
    return true;
  }

  /** Whether its members are of types that only the values tell. */
  private static boolean isRecord(int oid) {
    return oid == BuiltinTypes.RECORD.oid() || oid == BuiltinTypes.RECORD_ARRAY.oid();
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static @Nullable Codec<Object>[] codecs(int length) {
    return new Codec[length];
  }

  /**
   * Writes Bind with these arguments.
   *
   * @throws PgCodecException when one does not fit its parameter; nothing has been written then
   */
  void writeBind(
      FrontendWriter out, byte[] portal, @Nullable Object[] arguments, ValueWriter values) {
    writeBind(out, portal, name, arguments, values, shape.resultFormats());
  }

  /** The same, of another statement with the same parameters. */
  void writeBind(
      FrontendWriter out,
      byte[] portal,
      byte[] statement,
      @Nullable Object[] arguments,
      ValueWriter values,
      byte[] resultFormats) {
    int count = parameters.length;
    if (arguments.length != count) {
      throw new IllegalArgumentException(
          "the statement has "
              + count
              + (count == 1 ? " parameter" : " parameters")
              + ", but "
              + arguments.length
              + (arguments.length == 1 ? " argument was" : " arguments were")
              + " given: "
              + PgException.quoted(sql));
    }
    byte[] formats = null;
    int texts = 0;
    for (int i = 0; i < count; i++) {
      Object argument = arguments[i];
      boolean text;
      if (argument == null) {
        values.writeInt(-1);
        text = inText[i];
      } else {
        text = writeValue(i, argument, values) == Format.TEXT;
      }
      if (text) {
        if (formats == null) {
          formats = new byte[2 + 2 * count];
        }
        formats[2 + 2 * i + 1] = 1; // turned round below: most are binary
        texts++;
      }
    }
    out.bind(
        portal,
        statement,
        formats == null ? ALL_BINARY : texts == count ? ALL_TEXT : mixed(formats, count),
        count,
        values.array(),
        values.size(),
        resultFormats);
  }

  private Format writeValue(int i, Object argument, ValueWriter values) {
    try {
      Codec<Object> codec = argumentCodec(i, argument);
      int mark = values.beginLength();
      codec.encode(argument, parameters[i], values);
      values.endLength(mark);
      return codec.format();
    } catch (PgCodecException unfit) {
      if (!(argument instanceof StreamArgument.Unread)) {
        types.doubt(unfit);
        doubted = doubted || types.doubt(sql, madeAt);
      }
      throw new PgCodecException(
          "argument " + (i + 1) + " of " + PgException.quoted(sql) + ": " + unfit.getMessage(),
          sql,
          unfit);
    } catch (RuntimeException codecFailure) {
      throw new PgCodecException(
          "argument "
              + (i + 1)
              + " of "
              + PgException.quoted(sql)
              + ": the codec for "
              + argument.getClass().getName()
              + " as "
              + parameters[i]
              + " failed",
          sql,
          codecFailure);
    }
  }

  private static byte[] mixed(byte[] textMarks, int count) {
    textMarks[0] = (byte) (count >>> 8);
    textMarks[1] = (byte) count;
    for (int i = 3; i < textMarks.length; i += 2) {
      textMarks[i] = (byte) (1 - textMarks[i]);
    }
    return textMarks;
  }

  @SuppressWarnings("unchecked") // the registry's contract: a codec for this class
  private Codec<Object> argumentCodec(int i, Object argument) {
    Codec<Object> codec = argumentCodecs[i];
    if (codec == null || argumentClasses[i] != argument.getClass()) {
      if (argument instanceof StreamArgument.Unread unread) {
        throw new PgCodecException("the stream given for it cannot be read", unread.reason());
      }
      Class<?> given = argument instanceof StreamArgument ? InputStream.class : argument.getClass();
      codec = (Codec<Object>) codecs.encoder(parameters[i], given);
      argumentClasses[i] = argument.getClass();
      argumentCodecs[i] = codec;
    }
    return codec;
  }

  /** Parse, for a statement that the server does not keep. */
  void writeParse(FrontendWriter out) {
    out.parse(name, sql, NO_TYPES);
  }

  private final class ParseAndDescribe extends Exchange {
    private final Session session;
    private final boolean decisive;
    private boolean stopped;

    ParseAndDescribe(Session session, boolean decisive) {
      this.session = session;
      this.decisive = decisive;
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.parse(name, sql, NO_TYPES);
      out.describe(Target.STATEMENT, name);
      out.sync();
    }

    @Override
    void message(BackendMessage message) {
      if (message instanceof BackendMessage.ParseComplete) {
        onServer = true;
      } else if (message instanceof BackendMessage.ParameterDescription parameters) {
        parameterOids = parameters.typeOids();
      } else if (message instanceof BackendMessage.RowDescription rows) {
        fields = rows.fields();
      } else if (message instanceof BackendMessage.NoData) {
        fields = List.of();
      } else {
        throw unexpected(message.getClass().getSimpleName());
      }
    }

    @Override
    void failed(Diagnostic diagnostic) {
      stopped =
          wasHitInstead()
              || (isAbandoned() && diagnostic.sqlState().equals(SqlState.QUERY_CANCELED));
      if (!stopped) {
        failure =
            PgServerException.of(Statements.explained(diagnostic), sql, RetrySafety.NOT_EXECUTED);
      }
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (state != State.ASKED) {
        if (state == State.DISCARDED && onServer) {
          session.statements().closeLater(name);
        }
        return;
      }
      if (stopped) {
        move(State.COLD); // whoever came to wait meanwhile asks again
      } else if (failure == null) {
        resolve(session);
      } else if (decisive) {
        cannotBeMadeReady(session, failure);
      } else {
        // Its turn had not come: what runs before it may make it right.
        failure = null;
        move(State.COLD);
      }
    }

    @Override
    void fail(Throwable reason) {
      if (state == State.ASKED) {
        cannotBeMadeReady(
            session,
            reason instanceof RuntimeException why
                ? why
                : new PgCodecException(String.valueOf(reason.getMessage()), sql, reason));
      }
    }

    @Override
    String sql() {
      return sql;
    }

    @Override
    String doing() {
      return "while it prepared " + PgException.quoted(sql);
    }
  }
}
