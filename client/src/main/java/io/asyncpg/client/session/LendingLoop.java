package io.asyncpg.client.session;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.SingleThreadIoEventLoop;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An event loop that lends itself to a thread which does nothing but ask and wait, ask and wait.
 * Such a thread does the loop's work while it waits: it writes its own request and reads its own
 * answer, and no other thread has to be woken for either.
 *
 * <p>At any time one thread at most drives the loop: the resident, the loop's own, or the tenant,
 * while it waits. While the loop is lent the resident sleeps, and looks now and then: when the
 * tenant has not come back, or when any other thread wants something done, the resident takes the
 * loop back. So what is asked of it waits for the resident's next look at the longest, and that
 * only if its last tenant asks and does not wait.
 */
final class LendingLoop extends SingleThreadIoEventLoop {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  /** So many waits in a row, all by one thread, make it a tenant. */
  private static final int WAITS_TO_BECOME_TENANT = 16;

  private static final int MOST_WAITS_TO_BECOME_TENANT = 512;

  /**
   * When the resident looks after the loop it has lent; as long as it finds the tenant there, it
   * waits twice as long for the next look.
   */
  private static final long LOOK = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long LONGEST_LOOK = TimeUnit.MILLISECONDS.toNanos(8);

  private static final long TASKS_AT_ONCE = TimeUnit.MILLISECONDS.toNanos(100);

  private static final VarHandle DRIVER;
  private static final VarHandle OWED;
  private static final VarHandle CANDIDATE;

  /**
   * {@code Thread.isVirtual()}, where there are virtual threads: one that drove would be pinned.
   */
  private static final @Nullable MethodHandle IS_VIRTUAL;

  static {
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    try {
      DRIVER = lookup.findVarHandle(LendingLoop.class, "driver", Thread.class);
      CANDIDATE = lookup.findVarHandle(LendingLoop.class, "candidate", Thread.class);
      OWED = lookup.findVarHandle(LendingLoop.class, "owed", Runnable.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
    MethodHandle isVirtual;
    try {
      isVirtual =
          lookup.findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
    } catch (ReflectiveOperationException before21) {
      isVirtual = null;
    }
    IS_VIRTUAL = isVirtual;
  }

  /** The loop that was lent to the current thread last. */
  private static final ThreadLocal<@Nullable LendingLoop> LENT = new ThreadLocal<>();

  /** Not so with io_uring, whose ring belongs to one thread. */
  private final boolean mayChangeThreads;

  private final ReceiveBuffer receiveBuffer = new ReceiveBuffer();
  private final SendBuffer sendBuffer = new SendBuffer();

  private volatile @Nullable Thread resident;

  /** Who runs it now; null while it is lent and its tenant is elsewhere. */
  private volatile @Nullable Thread driver;

  /** To whom it is lent; null while the resident has it. */
  private volatile @Nullable Thread tenant;

  /** What the tenant has asked for outside of a wait; it will run it as soon as it waits. */
  private volatile @Nullable Runnable owed;

  /** Who waits to have it lent. */
  private volatile @Nullable Thread candidate;

  private volatile boolean wantedBack;

  /** What the tenant waits for now. */
  private volatile @Nullable CompletableFuture<?> awaited;

  /** How often the tenant has waited; written by the driver alone. */
  private volatile long waits;

  /** Of threads that wait without being tenants. Races only make the loop a little less shrewd. */
  private long lastWaiter;

  private int waitsInARow;
  private volatile int waitsNeeded = WAITS_TO_BECOME_TENANT;

  LendingLoop(IoEventLoopGroup parent, Executor executor, IoHandlerFactory handlers) {
    super(parent, executor, handlers);
    mayChangeThreads = handlers.isChangingThreadSupported();
  }

  /**
   * For the connections of this loop; not for those of io_uring, which reads before it is asked.
   */
  ReceiveBuffer receiveBuffer() {
    return receiveBuffer;
  }

  /** For the connections of this loop. */
  SendBuffer sendBuffer() {
    return sendBuffer;
  }

  /** Whether the current thread drives some loop as its tenant. */
  static boolean isDriving() {
    LendingLoop lent = LENT.get();
    return lent != null && lent.driver == Thread.currentThread();
  }

  /** Called before the current thread waits for anything that it cannot bring about by driving. */
  static void takeBack() {
    LendingLoop lent = LENT.get();
    if (lent != null && lent.tenant == Thread.currentThread()) {
      lent.wantedBack = true;
      LockSupport.unpark(lent.resident);
    }
  }

  @Override
  public boolean inEventLoop(Thread thread) {
    return thread == driver;
  }

  // ---- The resident

  @Override
  protected void run() {
    Thread self = Thread.currentThread();
    resident = self;
    driver = self;
    ioHandler().initialize();
    do {
      work();
      Thread next = candidate;
      if (next != null) {
        lendTo(next, self);
      }
    } while (!confirmShutdown());
    sendBuffer.release();
  }

  private void work() {
    runIo();
    if (isShuttingDown()) {
      ioHandler().prepareToDestroy();
    }
    runAllTasks(TASKS_AT_ONCE);
  }

  /** Hands it to a thread that waits for it; returns when the resident has the loop again. */
  private void lendTo(Thread next, Thread self) {
    long since = waits;
    long seen = since;
    long look = LOOK;
    wantedBack = false;
    tenant = next;
    driver = next;
    candidate = null;
    LockSupport.unpark(next);
    while (true) {
      if (!wantedBack) {
        sleep(look);
      }
      long now = waits;
      if (driver != null) {
        CompletableFuture<?> done = awaited;
        if (next.isInterrupted() || isShuttingDown() || (done != null && done.isDone())) {
          ioHandler().wakeup();
        }
        if (wantedBack) {
          sleep(look); // the tenant calls when it is through
        }
      } else if ((wantedBack || now == seen || isShuttingDown())
          && DRIVER.compareAndSet(this, null, self)) {
        break;
      }
      look = driver == null ? LOOK : Math.min(2 * look, LONGEST_LOOK);
      seen = now;
    }
    tenant = null;
    Runnable left = (Runnable) OWED.getAndSet(this, null);
    if (left != null) {
      // It asked and did not wait: it has to wait more often before it is believed again.
      waitsNeeded = Math.min(2 * waitsNeeded, MOST_WAITS_TO_BECOME_TENANT);
      runSafely(left);
    } else if (seen - since > MOST_WAITS_TO_BECOME_TENANT) {
      waitsNeeded = Math.max(waitsNeeded / 2, WAITS_TO_BECOME_TENANT);
    }
  }

  private void sleep(long nanos) {
    EventLoops.LoopThread self =
        Thread.currentThread() instanceof EventLoops.LoopThread ours ? ours : null;
    if (self != null) {
      self.asleep = true;
    }
    LockSupport.parkNanos(this, nanos);
    if (self != null) {
      self.asleep = false;
    }
  }

  // ---- Any thread

  @Override
  public void execute(Runnable task) {
    Thread self = Thread.currentThread();
    if (tenant == self && driver != self && owed == null) {
      owed = task;
      if (tenant == self || !OWED.compareAndSet(this, task, null)) {
        return; // to be run by this thread when it waits, or by the resident
      }
    }
    super.execute(task);
    if (tenant != null && driver != self) {
      wantedBack = true;
      LockSupport.unpark(resident);
    }
  }

  /**
   * Called before the current thread waits: as the tenant it drives the loop until the future is
   * complete, or until it is interrupted. May return at once, and before that.
   *
   * @param future completed by the loop itself, on its own thread
   */
  void driveUntil(CompletableFuture<?> future) {
    Thread self = Thread.currentThread();
    if (tenant == self ? !DRIVER.compareAndSet(this, null, self) : !becomesTenant(self)) {
      return; // the resident has it, or is taking it back
    }
    long before = waits;
    waits = before + 1;
    awaited = future;
    try {
      Runnable first = owed;
      if (first != null) {
        owed = null;
        runSafely(first);
      }
      while (!future.isDone() && !self.isInterrupted() && !isShuttingDown()) {
        runIo();
        runAllTasks(TASKS_AT_ONCE);
      }
    } catch (Error odd) {
      // Not the tenant's: it is told by its future, or waits for it while the resident goes on.
      LOG.log(Level.WARNING, "the event loop failed", odd);
    } finally {
      awaited = null;
      if (hasTasks()) {
        wantedBack = true;
      }
      driver = null;
      if (wantedBack) {
        LockSupport.unpark(resident);
      }
    }
  }

  /** Counts the waits of this thread; when there were enough of them, it gets the loop. */
  private boolean becomesTenant(Thread self) {
    long id = self.getId();
    if (lastWaiter != id) {
      lastWaiter = id;
      waitsInARow = 0;
      return false;
    }
    if (++waitsInARow < waitsNeeded || tenant != null || !mayChangeThreads) {
      return false;
    }
    waitsInARow = 0;
    if (isVirtual(self) || !CANDIDATE.compareAndSet(this, null, self)) {
      return false;
    }
    takeBack(); // of any other loop
    ioHandler().wakeup();
    while (candidate == self) {
      if (isShuttingDown() && CANDIDATE.compareAndSet(this, self, null)) {
        return false;
      }
      LockSupport.parkNanos(this, LOOK);
    }
    LENT.set(this);
    return true;
  }

  private static boolean isVirtual(Thread thread) {
    try {
      return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(thread);
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static void runSafely(Runnable task) {
    try {
      task.run();
    } catch (Throwable odd) {
      LOG.log(Level.WARNING, "a task of the event loop failed", odd);
    }
  }
}
