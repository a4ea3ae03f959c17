// Doubly linked list whose links live in the elements: insert and erase never allocate and never fail.
//
// Lifetime  the list owns nothing. An element leaves its list when it is destroyed.
// Thread    one; nothing here locks.
#pragma once

namespace sluice {

class ListLink {
 public:
  ListLink() noexcept : prev_(this), next_(this) {}
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <typename T>
  friend class List;
  void insert_before(ListLink& pos) noexcept {
    unlink();
    prev_ = pos.prev_;
    next_ = &pos;
    prev_->next_ = this;
    pos.prev_ = this;
  }
  ListLink* prev_;
  ListLink* next_;
};

// T derives from ListLink (once: an element stands in at most one list of its kind).
template <typename T>
class List {
 public:
  [[nodiscard]] bool empty() const noexcept { return !head_.linked(); }
  void push_back(T& item) noexcept { link_of(item).insert_before(head_); }
  void push_front(T& item) noexcept { link_of(item).insert_before(*head_.next_); }
  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  [[nodiscard]] T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.prev_); }
  T* pop_front() noexcept {
    T* item = front();
    if (item != nullptr) link_of(*item).unlink();
    return item;
  }
  // Moves every element of `other` to the end of this list.
  void take_all(List& other) noexcept {
    if (other.empty()) return;
    ListLink *first = other.head_.next_, *last = other.head_.prev_;
    other.head_.prev_ = other.head_.next_ = &other.head_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
  }

 private:
  static ListLink& link_of(T& item) noexcept { return item; }
  ListLink head_;
};

}  // namespace sluice
