package io.asyncpg.client.session;

import io.asyncpg.client.Notice;
import io.asyncpg.client.Notification;
import io.asyncpg.client.ParameterChange;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgFuture;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.BackendHandler;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.BackendReader;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One session with one server, on its event loop.
 *
 * <p>Confined to that loop; the outside speaks to it by {@link #submit}. The exceptions, read from
 * any thread, are {@link #transactionStatus}, {@link #parameters}, {@link #isEnded} and the lists
 * of listeners.
 *
 * <p>Requests wait in the order in which they were handed over. Once an event-loop turn all that
 * can be written is written in one piece, each request with its own Sync; the answers come in the
 * same order, up to one ReadyForQuery each.
 */
final class Session extends ChannelInboundHandlerAdapter implements BackendHandler, Runnable {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  /** Frames before authentication: no honest one is longer. */
  static final int MAX_STARTUP_FRAME = 64 * 1024;

  /** As much as one write carries, unless a single request is larger. */
  static final int WRITE_SIZE = 128 * 1024;

  /** So many slices of an open exchange are written before others on the event loop have a turn. */
  private static final int SLICES_AT_ONCE = 8;

  private static final int INITIAL_WRITE = 1024;

  /**
   * Few requests wait for company while many are in flight: their turn has not come anyway, and one
   * write for several is what makes pipelining cheap for both sides. So do their answers: a server
   * that need not wake anybody for each of them has more time for the next.
   */
  private static final int MANY_IN_FLIGHT = 16;

  private static final int LEAST_COMPANY = 8;
  private static final int MOST_COMPANY = 16;

  /** BindComplete, the shortest CommandComplete and ReadyForQuery, or an error. */
  private static final int SHORTEST_ANSWER = 5 + 8 + 6;

  private static final VarHandle HANDED_OVER;

  static {
    try {
      HANDED_OVER =
          MethodHandles.lookup().findVarHandle(Session.class, "handedOver", HandedOver.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  private final PgConfig config;
  private final Channel channel;
  private final EventLoop loop;

  /** The loop's; null where the loop is none of ours. */
  private final @Nullable SendBuffer sendBuffer;

  private final @Nullable Executor completionExecutor;

  private final BackendReader reader = new BackendReader(MAX_STARTUP_FRAME);
  private final FrontendWriter writer = new FrontendWriter(Unpooled.EMPTY_BUFFER);
  private final ValueWriter values = new ValueWriter();
  private final Readers readers = new ValueReader()::reset;

  /** Handed over from any thread and not taken yet, the latest first. */
  @SuppressWarnings("UnusedVariable") // through HANDED_OVER
  private volatile @Nullable HandedOver handedOver;

  private final Backlog backlog = new Backlog();
  private final ArrayDeque<Exchange> inFlight = new ArrayDeque<>();

  private final Statements statements;
  private final Deadlines deadlines = new Deadlines(this);
  private final LowWaterMark lowWaterMark;
  private final Patience patience = new Patience();
  private final Cancellation cancellation;
  private final Transactions transactions = new Transactions(this);
  private final PgFuture<@Nullable Void> ended = new PgFuture<>();
  private final ParameterStatuses parameters = new ParameterStatuses();
  private final Listeners<Notice> noticeListeners = new Listeners<>("notice");
  private final Listeners<ParameterChange> parameterListeners = new Listeners<>("parameter");
  private final QueryListeners queryListeners = new QueryListeners();
  private final Notifications notifications = new Notifications(this);

  private volatile TransactionStatus transactionStatus = TransactionStatus.IDLE;
  private volatile int processId;
  private byte @Nullable [] cancelKey;

  /** Until then the server is a stranger, of whom nothing is kept. */
  private boolean authenticated;

  /** Whether keys may have another length than 4: since protocol 3.2. */
  private boolean longKeys;

  private @Nullable Throwable transportFailure;
  private volatile boolean lost;
  private volatile @Nullable Throwable whyEnded;

  /** Whether anything was run since it began or was reset. */
  private boolean used;

  private boolean touched;

  /** Of rows, of the exchange that is being answered. */
  private long rowBytes;

  /** How many requests of its callers have been written. */
  private long requests;

  /** Whether the exchange under way met 25006. */
  private boolean writeRefused;

  /** Whether a transaction that the server speaks of is the last borrower's, being rolled back. */
  private volatile boolean rollsBack;

  /** Whether the exchange under way has failed on the server. */
  private boolean failed;

  /** The pool's side of it; null without a pool. */
  private volatile @Nullable PooledSession home;

  /** Whether a read is being handled, at whose end everything handed over is taken. */
  private boolean reading;

  /** Whether some of what has been handed over is in no queue yet. */
  private boolean taking;

  /** What {@link #isAsNew} said since something was taken last; for other threads. */
  private volatile boolean asNew;

  Session(PgConfig config, Channel channel, TypeCatalog types) {
    this.config = config;
    this.channel = channel;
    this.loop = channel.eventLoop();
    this.sendBuffer = loop instanceof LendingLoop ours ? ours.sendBuffer() : null;
    this.lowWaterMark = new LowWaterMark(channel, patience::disappointed);
    this.completionExecutor = config.completionExecutor();
    this.statements = new Statements(config, types);
    this.cancellation = new Cancellation(this, config);
  }

  // ---- From any thread

  /**
   * Hands an exchange over. What was handed over first runs first.
   *
   * @param exchange fails with {@link PgConnectionException} when the session has ended
   */
  void submit(Exchange exchange) {
    submit(exchange, exchange);
  }

  /**
   * Hands several exchanges over in one piece, so that nothing comes between them.
   *
   * @param exchanges one at least, the first first
   */
  void submit(List<? extends Exchange> exchanges) {
    for (int i = 1; i < exchanges.size(); i++) {
      exchanges.get(i).handedOverBefore = exchanges.get(i - 1);
    }
    submit(exchanges.get(0), exchanges.get(exchanges.size() - 1));
  }

  private void submit(HandedOver first, HandedOver last) {
    HandedOver before;
    do {
      before = handedOver;
      first.handedOverBefore = before;
    } while (!HANDED_OVER.compareAndSet(this, before, last));
    if (before == null && !(reading && loop.inEventLoop())) {
      execute(this);
    }
  }

  /** The transactions begun here. */
  Transactions transactions() {
    return transactions;
  }

  void runOnLoop(Runnable task) {
    execute(task);
  }

  /** Runs what belongs to the application where its futures complete. */
  void onCompletionThread(Runnable task) {
    Executor executor = completionExecutor;
    if (executor == null) {
      execute(task);
    } else {
      execute(executor, task);
    }
  }

  /**
   * Runs this on the event loop, in its order among the exchanges: when those handed over before
   * are in the queue, and those handed over after are not.
   */
  void runInOrder(Runnable task) {
    HandedOver.Task handed = new HandedOver.Task(task);
    submit(handed, handed);
  }

  /**
   * Ends a lease at once, where it leaves nothing behind that is under way or to be undone. What
   * its handles hand over after that is refused.
   *
   * @return false where it does, or may: that is for a {@link Reset.Return} to see
   */
  boolean letGo(Lease lease) {
    if (!noticeListeners.isEmpty()
        || !parameterListeners.isEmpty()
        || !queryListeners.isEmpty()
        || transactions.isOpen()) {
      return false;
    }
    if (loop.inEventLoop()) {
      boolean nothingLeft = handedOver == null && isAsNew();
      if (nothingLeft) {
        lease.pass();
      }
      return nothingLeft;
    }
    // Behind the mark nobody can ask through this lease any more, and before it is nothing: so it
    // is seen here what all that was asked has left behind.
    HandedOver mark = new HandedOver.EndOfLease(lease);
    if (!HANDED_OVER.compareAndSet(this, null, mark)) {
      return false;
    }
    boolean nothingLeft = asNew;
    if (nothingLeft) {
      lease.pass();
    }
    if (!HANDED_OVER.compareAndSet(this, mark, null)) {
      execute(this); // somebody came behind it, and has not called the loop for that
    }
    return nothingLeft;
  }

  /**
   * Stops a request whose caller has cancelled its future. What the caller asks for next must find
   * it stopped: written behind it, it could be hit in its place.
   */
  void cancel(Request<?> request) {
    runInOrder(() -> abandon(request));
  }

  /** Looks for what can be written now: an exchange that waited for its caller can go on. */
  void wake() {
    execute(this);
  }

  private void execute(Runnable task) {
    try {
      loop.execute(task);
    } catch (RejectedExecutionException shutDown) {
      // The loop is gone and with it everybody else: nobody can race with this.
      lose(
          new PgConnectionException(
              "the event loop has been shut down", RetrySafety.NOT_SENT, shutDown));
      takeOver();
    }
  }

  boolean isOnEventLoop() {
    return loop.inEventLoop() || EventLoops.isCurrentThread();
  }

  /** Called before the current thread waits for an answer of this session. */
  void beforeWaitingFor(PgFuture<?> answer, boolean bounded) {
    if (!bounded && completionExecutor == null && loop instanceof LendingLoop lending) {
      lending.driveUntil(answer);
    } else {
      LendingLoop.takeBack();
    }
  }

  TransactionStatus transactionStatus() {
    return transactionStatus;
  }

  /** Whether the server has said that a transaction is open, and nothing is ending it. */
  boolean isInTransaction() {
    return transactionStatus != TransactionStatus.IDLE && !rollsBack;
  }

  /** The reset between two borrowers has been written, or answered. On the event loop. */
  void rollsBack(boolean now) {
    rollsBack = now;
  }

  Map<String, String> parameters() {
    return parameters.values();
  }

  int processId() {
    return processId;
  }

  Listeners<Notice> noticeListeners() {
    return noticeListeners;
  }

  Listeners<ParameterChange> parameterListeners() {
    return parameterListeners;
  }

  QueryListeners queryListeners() {
    return queryListeners;
  }

  boolean isEnded() {
    return lost; // before those who wait are told: they may ask
  }

  /** Whether nothing more can come of it; on the event loop. */
  boolean isLost() {
    return lost;
  }

  long rowBytes() {
    return rowBytes;
  }

  long requests() {
    return requests;
  }

  /** Completes when the session has ended; not to be handed out. */
  PgFuture<@Nullable Void> ended() {
    return ended;
  }

  /** Why it has ended; of no meaning before. */
  Throwable whyEnded() {
    Throwable reason = whyEnded;
    return reason == null
        ? new PgConnectionException("the connection has ended", RetrySafety.UNKNOWN, null)
        : reason;
  }

  PgConfig config() {
    return config;
  }

  /** Ends the session now. */
  void terminate() {
    execute(
        () ->
            lose(
                new PgConnectionException(
                    "the connection was terminated by this side", RetrySafety.UNKNOWN, null)));
  }

  <T extends @Nullable Object> void complete(PgFuture<T> future, T result) {
    Executor executor = completionExecutor;
    if (executor == null) {
      Application.complete(future, result);
    } else {
      execute(executor, () -> future.complete(result));
    }
  }

  void completeExceptionally(PgFuture<?> future, Throwable failure) {
    Executor executor = completionExecutor;
    if (executor == null) {
      future.completeExceptionally(failure);
    } else {
      execute(executor, () -> future.completeExceptionally(failure));
    }
  }

  private static void execute(Executor executor, Runnable completion) {
    try {
      executor.execute(completion);
    } catch (RuntimeException | Error refused) { // shut down, or without a thread to be had
      completion.run(); // late on the wrong thread is better than never
    }
  }

  // ---- On the event loop: the queue

  /** Takes what has been handed over, and writes what can be written. */
  @Override
  public void run() {
    takeOver();
    pump();
    sayIfAsNew();
  }

  /** Lets other threads know when a lease that ends now leaves nothing behind. */
  void sayIfAsNew() {
    assert loop.inEventLoop();
    if (home != null && !asNew && isAsNew()) {
      asNew = true;
    }
  }

  /** Whether nothing is under way, nothing waits, and nothing has to be undone. */
  private boolean isAsNew() {
    return !taking
        && inFlight.isEmpty()
        && backlog.isEmpty()
        && !touched
        && !lost
        && transactionStatus == TransactionStatus.IDLE
        && !transactions.isCurrent()
        && !cancellation.holdsWrites()
        && !statements.isHeld()
        && !statements.codecs().isChanged()
        && notifications.isEmpty();
  }

  private void takeOver() {
    HandedOver top = handedOver;
    if (top == null || top instanceof HandedOver.EndOfLease) {
      return; // such a mark is made where nothing is, and taken away at once by who made it
    }
    asNew = false; // before anything is missing from what is handed over
    HandedOver latest = (HandedOver) HANDED_OVER.getAndSet(this, null);
    // The stack has the latest on top: turn it round.
    HandedOver next = null;
    while (latest != null) {
      HandedOver before = latest.handedOverBefore;
      latest.handedOverBefore = next;
      next = latest;
      latest = before;
    }
    taking = true;
    while (next != null) {
      HandedOver taken = next;
      next = taken.handedOverBefore;
      taken.handedOverBefore = null;
      taken.taken(this);
    }
    taking = false;
  }

  /** Puts an exchange behind all that waits, if it may still run. */
  void enqueue(Exchange exchange) {
    if (lost) {
      exchange.become(Exchange.Stage.DONE);
      exchange.fail(EndOfSession.before(exchange));
      return;
    }
    if (exchange instanceof Request<?> request) {
      Lease lease = request.lease();
      if (lease != null && lease.isPast()) {
        // Handed over while another thread gave the connection back, and too late.
        exchange.become(Exchange.Stage.DONE);
        exchange.fail(new IllegalStateException(String.valueOf(lease.ended())));
        return;
      }
      if (request.future().isDone() && !request.isAbandoned()) {
        request.cancelledByCaller();
      }
      if (request.isAbandoned() && !request.isWrittenEvenAbandoned()) {
        exchange.become(Exchange.Stage.DONE);
        return;
      }
      if (request.deadline() != 0) {
        deadlines.watch(request.deadline());
      }
    }
    backlog.add(exchange);
    if (exchange instanceof Reset.Return back) {
      back.arrived();
    } else if (exchange instanceof Connection.Goodbye goodbye) {
      goodbye.arrived(this);
    }
  }

  /** Puts an exchange of the session's own before all that waits. */
  void submitUrgently(Exchange exchange) {
    assert loop.inEventLoop();
    asNew = false;
    if (lost) {
      exchange.become(Exchange.Stage.DONE);
      exchange.fail(EndOfSession.before(exchange));
    } else {
      backlog.addUrgently(exchange);
    }
  }

  /**
   * Puts a request that has to run once more before all that waits.
   *
   * @param ifOvertaken see {@link Backlog#addAgain}
   */
  void submitAgain(Exchange repeated, @Nullable Throwable ifOvertaken) {
    assert loop.inEventLoop();
    asNew = false;
    if (lost) {
      repeated.become(Exchange.Stage.DONE);
      repeated.fail(EndOfSession.before(repeated));
    } else {
      backlog.addAgain(repeated, ifOvertaken);
    }
  }

  /** Whether something waits that was written before, and has to be written once more. */
  boolean hasToRepeat() {
    return backlog.hasToRepeat();
  }

  /** Writes as much as can be written now, in one piece. */
  private void pump() {
    assert loop.inEventLoop();
    if (inFlight.size() >= MANY_IN_FLIGHT
        && backlog.unwritten() < company()
        && backlog.urgent() == 0) {
      return; // with the answers in flight this is asked again
    }
    for (int slices = 0; !lost && channel.isWritable(); slices++) {
      if (slices == SLICES_AT_ONCE) {
        execute(this);
        return;
      }
      ByteBuf out = emptyBuffer();
      writer.target(out);
      boolean more;
      try {
        more = fill(out);
      } catch (Throwable odd) {
        // What it held is not sent, and some of that may be of exchanges in flight.
        out.release();
        LOG.log(Level.WARNING, "a request could not be written", odd);
        lose(
            new PgConnectionException(
                "this client failed while it wrote: " + odd, RetrySafety.UNKNOWN, odd));
        return;
      } finally {
        writer.target(Unpooled.EMPTY_BUFFER);
      }
      if (!out.isReadable()) {
        out.release();
        return;
      }
      channel.writeAndFlush(out, channel.voidPromise());
      if (!more) {
        return;
      }
    }
  }

  private ByteBuf emptyBuffer() {
    SendBuffer ours = sendBuffer;
    return ours == null ? channel.alloc().directBuffer(INITIAL_WRITE) : ours.take(channel.alloc());
  }

  /**
   * How many requests are worth a write, and how many answers being woken: a quarter of those in
   * flight, so that the server has enough to do meanwhile.
   */
  private int company() {
    return Math.max(LEAST_COMPANY, Math.min(MOST_COMPANY, inFlight.size() / 4));
  }

  /**
   * Writes requests into the buffer until it is full or none can be written.
   *
   * @return whether it stopped because the buffer was full
   */
  private boolean fill(ByteBuf out) {
    while (out.readableBytes() < WRITE_SIZE) {
      Exchange last = inFlight.peekLast();
      if (last != null && last.isOpen()) {
        int mark = writer.mark();
        last.writeMore(this, writer);
        if (writer.mark() == mark) {
          return false;
        }
        continue;
      }
      if (last != null && last.mustBeAlone()) {
        return false; // not even a Sync: a server that reads data passes over it
      }
      Exchange exchange = backlog.nextUrgent();
      if (exchange == null) {
        if (cancellation.holdsWrites() || transactions.holdsWrites()) {
          return false;
        }
        exchange = backlog.next();
      }
      if (exchange == null) {
        return false;
      }
      if (exchange.isAbandoned() && !exchange.isWrittenEvenAbandoned()) {
        backlog.remove(exchange);
        exchange.become(Exchange.Stage.DONE);
        continue;
      }
      if (!isReadyToWrite(exchange)) {
        if (exchange.stage() == Exchange.Stage.DONE) {
          continue; // it failed, and has left the queue
        }
        prepareAhead();
        if (backlog.urgent() == 0) {
          return false;
        }
        continue;
      }
      if (!inFlight.isEmpty()
          && (exchange.mustBeFirst()
              || backlog.keepsPlace(exchange, inFlight)
              || transactions.beginWith(exchange))) {
        return false;
      }
      backlog.remove(exchange);
      if (exchange.endsUnwritten(this)) {
        exchange.become(Exchange.Stage.DONE);
      } else {
        write(exchange);
      }
    }
    return true;
  }

  private boolean isReadyToWrite(Exchange exchange) {
    try {
      return exchange.isReadyToWrite(this, true);
    } catch (Throwable failure) {
      backlog.remove(exchange);
      exchange.become(Exchange.Stage.DONE);
      exchange.fail(failure);
      return false;
    }
  }

  /**
   * Asks for what the exchanges behind the first will need, so that all share one round trip. Only
   * outside a transaction: a Parse that fails inside one would end it, though its turn has not
   * come.
   */
  private void prepareAhead() {
    if (transactionStatus != TransactionStatus.IDLE || transactions.isCurrent()) {
      return;
    }
    for (Exchange written : inFlight) {
      if (written.mayOpenTransaction()) {
        return;
      }
    }
    boolean first = true;
    int statementsAhead = 0;
    for (Exchange exchange : backlog.nextAndBehind()) {
      statementsAhead += exchange.preparations();
      if (!first && !exchange.isAbandoned()) {
        if (!statements.hasRoomFor(statementsAhead)) {
          return; // it would throw out of the cache what those before it have asked for
        }
        try {
          exchange.isReadyToWrite(this, false);
        } catch (RuntimeException | Error unfit) {
          LOG.log(Level.DEBUG, "a request will fail when its turn comes", unfit);
        }
      }
      first = false;
      if (exchange.mayOpenTransaction() || backlog.urgent() >= Statements.PREPARED_AHEAD) {
        return;
      }
    }
  }

  private void write(Exchange exchange) {
    int mark = writer.mark();
    List<byte[]> closes = statements.takeUnusedNames();
    try {
      for (byte[] name : closes) {
        writer.close(FrontendMessage.Target.STATEMENT, name);
      }
      exchange.owesCloses(closes.size());
      transactions.writing(exchange, writer);
      exchange.write(this, writer);
    } catch (Throwable failure) {
      writer.reset(mark);
      statements.giveBackUnusedNames(closes);
      exchange.become(Exchange.Stage.DONE);
      exchange.fail(failure);
      return;
    } finally {
      values.clear();
    }
    transactions.written(exchange);
    if (exchange instanceof Request<?> request && request.uses()) {
      used = true;
      requests++;
      // Nobody asks that of a session without a pool.
      touched |= home == null || request.mayLeaveTraces();
    }
    exchange.become(Exchange.Stage.WRITTEN);
    inFlight.add(exchange);
  }

  /** Sends bytes of the exchange under way, in answer to the server: authentication, COPY. */
  void send(FrontendMessage message) {
    assert loop.inEventLoop();
    ByteBuf out = channel.alloc().directBuffer(INITIAL_WRITE);
    writer.target(out);
    boolean written = false;
    try {
      writer.write(message);
      written = true;
    } finally {
      writer.target(Unpooled.EMPTY_BUFFER);
      if (!written) {
        out.release();
      }
    }
    channel.writeAndFlush(out, channel.voidPromise());
  }

  /** Nobody waits for this request any more. */
  void abandon(Request<?> request) {
    if (leave(request)) {
      pump();
    }
  }

  /** The same, but that nothing is written: there are others that nobody waits for. */
  boolean leave(Request<?> request) {
    assert loop.inEventLoop();
    if (request.isAbandoned()) {
      return false;
    }
    request.cancelledByCaller();
    if (request.stage() == Exchange.Stage.WRITTEN && request.isToBeStopped()) {
      cancellation.wanted();
    }
    return true;
  }

  /** Stops an exchange of the session's own, which is under way and which nobody needs now. */
  void stop(Exchange own) {
    assert loop.inEventLoop();
    if (own.stage() == Exchange.Stage.WRITTEN && !own.isAbandoned()) {
      own.abandon();
      cancellation.wanted();
    }
  }

  // ---- On the event loop: for exchanges

  EventLoop loop() {
    return loop;
  }

  Channel channel() {
    return channel;
  }

  Statements statements() {
    return statements;
  }

  /** Where the values of the exchange being written go; cleared after each. */
  ValueWriter values() {
    return values;
  }

  /** For values decoded on the event loop. */
  Readers readers() {
    return readers;
  }

  Notifications notifications() {
    return notifications;
  }

  void forgetListeners() {
    notifications.clear(null);
    noticeListeners.clear();
    parameterListeners.clear();
    queryListeners.clear();
  }

  /** Whether anything was run since it was as good as new. */
  boolean isUsed() {
    return used;
  }

  /** Whether anything of that may have left traces. */
  boolean isTouched() {
    return touched;
  }

  void touch() {
    used = true;
    touched = true;
  }

  void untouched() {
    used = false;
    touched = false;
  }

  void belongsTo(PooledSession pool) {
    home = pool;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  ArrayDeque<Exchange> inFlight() {
    return inFlight;
  }

  byte @Nullable [] cancelKey() {
    return cancelKey;
  }

  List<Exchange> pending() {
    List<Exchange> all = new ArrayList<>(inFlight);
    all.addAll(backlog.all());
    return all;
  }

  /** A request under way has a new deadline. */
  void watch(long deadline) {
    deadlines.watch(deadline);
  }

  ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
    return loop.schedule(task, delay, unit);
  }

  /**
   * The server has let us in.
   *
   * @param longKeys whether the protocol agreed on has cancel keys of any length
   */
  void authenticated(boolean longKeys) {
    authenticated = true;
    this.longKeys = longKeys;
    reader.maxFrameLength(config.maxMessageSize());
  }

  /** Something changed that lets more be written. */
  void goOn() {
    pump();
  }

  /** Says Terminate and closes the socket behind it. */
  void sayGoodbye() {
    ByteBuf out = channel.alloc().directBuffer(8);
    writer.target(out);
    writer.write(new FrontendMessage.Terminate());
    writer.target(Unpooled.EMPTY_BUFFER);
    channel.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
    notifications.clear(null);
    end(
        new PgConnectionException(
            "the connection was closed by this side", RetrySafety.NOT_SENT, null));
  }

  // ---- On the event loop: what comes from the socket

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    try {
      if (lost) {
        return;
      }
      reading = true;
      if (!authenticated && inFlight.peek() instanceof Startup startup) {
        startup.hear(in);
      }
      reader.feed(in);
      reader.read(this);
    } catch (Throwable failure) {
      lose(failure);
    } finally {
      in.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    reading = false;
    run();
    if (!lost) {
      waitForMore(); // for what has just been asked too
    }
  }

  /** Lets the loop sleep until as much is there as it is worth being woken for. */
  private void waitForMore() {
    if (patience.isExhausted()) {
      lowWaterMark.read(reader.missing(), 0);
    } else if (inFlight.size() >= MANY_IN_FLIGHT) {
      lowWaterMark.readTogether(Math.max(reader.missing(), bytesOf(company())));
    } else {
      lowWaterMark.read(reader.missing(), rowBytes == 0 ? 0 : bytesOf(1));
    }
  }

  /** What is still to come of the next answers at least, if they are as long as those before. */
  private long bytesOf(int answers) {
    long bytes = -rowBytes - reader.buffered();
    int left = answers;
    for (Exchange exchange : inFlight) {
      bytes += SHORTEST_ANSWER + exchange.rowBytesLikely();
      if (--left == 0) {
        break;
      }
    }
    return bytes;
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (channel.isWritable()) {
      pump();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    lose(
        new PgConnectionException(
            reader.isInsideMessage()
                ? "the connection was lost in the middle of a message of the server"
                : "the connection was lost: the server closed the socket",
            RetrySafety.UNKNOWN,
            transportFailure));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    transportFailure = cause;
    context.close();
  }

  @Override
  public int rowWidth() {
    return current("DataRow").rowWidth();
  }

  @Override
  public void dataRows(byte[] bytes, int from, int to, int count) {
    rowBytes += to - from;
    current("DataRow").dataRows(bytes, from, to, count);
  }

  @Override
  public void copyData(byte[] bytes, int from, int to) {
    current("CopyData").copyData(bytes, from, to);
  }

  @Override
  public void commandComplete(String command, long rows) {
    Exchange exchange = current("CommandComplete");
    exchange.completed(command, rows);
    if (command.endsWith(" ALL")) {
      boolean all = command.equals("DISCARD ALL");
      if (all || command.equals("DEALLOCATE ALL")) {
        statements.serverForgotAll();
      }
      if (all) {
        notifications.unlistened();
      }
    } else if (command.equals("UNLISTEN") && !(exchange instanceof Notifications.Unlisten)) {
      notifications.unlistened();
    }
  }

  @Override
  public void readyForQuery(TransactionStatus status) {
    rowBytes = 0;
    patience.answered();
    if (status != transactionStatus) {
      transactionStatus = status;
    }
    Exchange exchange = inFlight.poll();
    if (exchange == null) {
      throw nobodyWaits("ReadyForQuery");
    }
    PooledSession pool = home;
    if (writeRefused && pool != null) {
      writeRefused = false;
      pool.refusedToWrite();
    }
    exchange.become(Exchange.Stage.DONE);
    Block transaction = exchange.enclosing();
    if (transaction != null) {
      Transactions.answered(transaction, status);
    }
    try {
      exchange.ready(this, status);
    } catch (Throwable odd) {
      lose(odd);
      exchange.fail(odd); // it is in no queue any more, where the session's end would find it
      throw odd;
    }
    if (!failed && exchange instanceof Request<?> && !exchange.isRepeated()) {
      backlog.overtaken(exchange);
    }
    failed = false;
    cancellation.answered(exchange);
  }

  @Override
  public void message(BackendMessage message) {
    if (!authenticated
        && !(message instanceof BackendMessage.NoticeResponse)
        && !(message instanceof BackendMessage.ErrorResponse)) {
      current(message.getClass().getSimpleName()).receive(message);
      return;
    }
    // These may come at any time, between any two others.
    if (message instanceof BackendMessage.ParameterStatus status) {
      String before = parameters.report(status);
      PooledSession pool = home;
      if (pool != null && status.name().equals("in_hot_standby") && status.value().equals("off")) {
        pool.promoted();
      }
      if (!parameterListeners.isEmpty() && !status.value().equals(before) && !isBeingReset()) {
        parameterListeners.tell(new ParameterChange(status.name(), status.value()));
      }
    } else if (message instanceof BackendMessage.NoticeResponse notice) {
      if (!isBeingReset()) {
        noticeListeners.tell(Notice.of(notice.diagnostic()));
      }
    } else if (message instanceof BackendMessage.NotificationResponse said) {
      notifications.deliver(new Notification(said.processId(), said.channel(), said.payload()));
    } else if (message instanceof BackendMessage.BackendKeyData key) {
      if (key.secretKey().length != 4 && !longKeys) {
        throw new PgProtocolException(
            "the server sent a cancel key of "
                + key.secretKey().length
                + " bytes, but protocol 3.0 has keys of 4",
            RetrySafety.UNKNOWN,
            null);
      }
      processId = key.processId();
      cancelKey = key.secretKey();
    } else if (message instanceof BackendMessage.ErrorResponse error) {
      failed(error.diagnostic());
    } else {
      current(message.getClass().getSimpleName()).receive(message);
    }
  }

  /** Whether the server speaks of the reset between two borrowers, which is not theirs to hear. */
  private boolean isBeingReset() {
    return inFlight.peek() instanceof Reset.Return;
  }

  private void failed(Diagnostic said) {
    Diagnostic diagnostic = said;
    Exchange exchange = inFlight.peek();
    if (home != null && diagnostic.sqlState().equals(SqlState.READ_ONLY_SQL_TRANSACTION)) {
      writeRefused = true; // what it reports of itself comes before ReadyForQuery
    }
    if (exchange != null) {
      failed = true;
      if (diagnostic.sqlState().equals(SqlState.QUERY_CANCELED)
          && cancellation.hasHitInstead(exchange)) {
        exchange.hitInstead();
        if (exchange instanceof Request<?>
            && (exchange.enclosing() != null || transactionStatus != TransactionStatus.IDLE)) {
          diagnostic = Block.lostToCancel(diagnostic); // it cannot be run again by itself
        }
      }
      Block transaction = exchange.enclosing();
      if (transaction != null) {
        transaction.failed(diagnostic);
      }
      if (exchange instanceof PreparedRequest<?> request
          && PreparedRequest.isTypeAltered(diagnostic)) {
        request.prepared().doubtParameters();
      }
      exchange.failed(diagnostic);
    }
    if (diagnostic.endsSession()) {
      // The server closes the socket behind a FATAL; waiting for that could be waiting for ever.
      lose(
          new PgConnectionException(
              "the server ended the session: "
                  + diagnostic.message()
                  + " (SQLSTATE "
                  + diagnostic.sqlState()
                  + ")",
              RetrySafety.UNKNOWN,
              PgServerException.of(diagnostic, null, RetrySafety.UNKNOWN)));
    } else if (exchange == null) {
      throw nobodyWaits("ErrorResponse (" + diagnostic.message() + ")");
    }
  }

  @Override
  public String doing() {
    Exchange exchange = inFlight.peek();
    return exchange == null ? "while nothing was asked" : exchange.doing();
  }

  private Exchange current(String message) {
    Exchange exchange = inFlight.peek();
    if (exchange == null) {
      throw nobodyWaits(message);
    }
    return exchange;
  }

  private static PgProtocolException nobodyWaits(String message) {
    return new PgProtocolException(
        "the server sent " + message + " while nothing was asked", RetrySafety.UNKNOWN, null);
  }

  // ---- On the event loop: the end

  /** Nothing more can come of this session: everything under way fails, and the socket closes. */
  void lose(Throwable reason) {
    end(reason);
    if (channel.isOpen()) {
      channel.close();
    }
  }

  private void end(Throwable reason) {
    if (lost) {
      return;
    }
    lost = true;
    asNew = false;
    whyEnded = reason;
    if (reading) {
      reading = false;
      execute(this); // whatever is handed over meanwhile has to be told
    }
    deadlines.stop();
    cancellation.stop();
    notifications.clear(reason);
    if (!(reason instanceof PgConnectionException)) {
      LOG.log(Level.DEBUG, "the session ends on an error", reason);
    }
    List<Exchange> written = new ArrayList<>(inFlight);
    List<Exchange> unwritten = backlog.all();
    inFlight.clear();
    backlog.clear();
    for (Exchange exchange : written) {
      endWith(exchange, EndOfSession.during(exchange, reason));
    }
    for (Exchange exchange : unwritten) {
      endWith(exchange, EndOfSession.unsent(exchange, reason));
    }
    ended.complete(null);
  }

  /** Whatever comes of telling one, the others are told too. */
  private static void endWith(Exchange exchange, Throwable failure) {
    exchange.become(Exchange.Stage.DONE);
    try {
      exchange.fail(failure);
    } catch (RuntimeException | Error odd) {
      LOG.log(Level.WARNING, "the end of the session could not be told to a request", odd);
    }
  }
}
