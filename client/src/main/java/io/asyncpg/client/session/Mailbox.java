package io.asyncpg.client.session;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import org.jspecify.annotations.Nullable;

/**
 * A subscriber to a channel behind a buffer of its own: whoever has something for it never waits.
 * Any thread; its state is guarded by its monitor.
 */
abstract class Mailbox<T> implements Flow.Subscriber<T> {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  final String channel;
  private final Flow.Subscriber<? super T> subscriber;
  private final SubmissionPublisher<T> buffer;
  private volatile Flow.@Nullable Subscription subscription;
  private volatile @Nullable Throwable failure;

  /**
   * Creates one; {@link #begin} tells the subscriber.
   *
   * @param executor where the subscriber is called; null for threads that may block
   * @param size of the buffer
   */
  Mailbox(
      String channel,
      Flow.Subscriber<? super T> subscriber,
      @Nullable Executor executor,
      int size) {
    this.channel = channel;
    this.subscriber = subscriber;
    this.buffer = new SubmissionPublisher<>(executor == null ? OffLoop.THREADS : executor, size);
  }

  /** The subscriber wants no more. */
  abstract void left();

  /** Something has been read, so that there is room. */
  void read() {}

  final void begin() {
    buffer.subscribe(this);
  }

  /** Puts something in, unless it is full: then false. What comes after the end is let go. */
  final synchronized boolean put(T item) {
    return buffer.isClosed() || buffer.offer(item, (whom, dropped) -> false) >= 0;
  }

  final int capacity() {
    return buffer.getMaxBufferCapacity();
  }

  /** Ends it, after what is in its buffer: in an error, or well for null. */
  final synchronized void over(@Nullable Throwable reason) {
    if (!buffer.isClosed()) {
      failure = reason;
      buffer.close();
    }
  }

  @Override
  public final void onSubscribe(Flow.Subscription buffered) {
    subscription = buffered;
    subscriber.onSubscribe(
        new Flow.Subscription() {
          @Override
          public void request(long items) {
            buffered.request(items);
          }

          @Override
          public void cancel() {
            buffered.cancel();
            left();
          }
        });
  }

  @Override
  public final void onNext(T item) {
    try {
      subscriber.onNext(item);
    } catch (RuntimeException | Error theirs) {
      // A subscriber must not throw (rule 2.13); one that does has had its last item.
      LOG.log(Level.WARNING, "a subscriber to the channel " + channel + " failed", theirs);
      Flow.Subscription buffered = subscription;
      if (buffered != null) {
        buffered.cancel();
      }
      left();
      return;
    }
    read();
  }

  @Override
  public final void onError(Throwable refused) {
    subscriber.onError(refused);
  }

  @Override
  public final void onComplete() {
    Throwable reason = failure;
    if (reason == null) {
      subscriber.onComplete();
    } else {
      subscriber.onError(reason);
    }
  }
}
