/* For tests only: a PKCS#11 module that passes every call on to the real one and puts faults and delays in between.
   Built by p11fault.ts. Nothing of the product loads it.

   P11FAULT_MODULE  path of the real module
   P11FAULT_CTL     file of faults, read again whenever it changed; one a line, the first that matches counts:
                      <function or *> <CK_RV in hexadecimal, 0 = only the delay> <how often, -1 = always> <delay in us>
   P11FAULT_LOG     file to which the name of every wrapped call is appended, one a line */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fault {
  char function[40];
  unsigned long rv;
  long count;
  long delay;
};

static CK_FUNCTION_LIST real, mine;
static int loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[16];
static int fault_count;
static struct stat read_at;

static void note(const char *function) {
  const char *path = getenv("P11FAULT_LOG");
  int file;
  char line[48];
  if (!path || !*path || (file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0) return;
  if (write(file, line, snprintf(line, sizeof line, "%s\n", function)) < 0) perror("p11fault");
  close(file);
}

static void reread(const char *path) {
  struct stat now;
  FILE *file;
  if (!path || stat(path, &now)) {
    fault_count = 0;
    memset(&read_at, 0, sizeof read_at);
    return;
  }
  if (now.st_ino == read_at.st_ino && now.st_size == read_at.st_size &&
      now.st_mtim.tv_sec == read_at.st_mtim.tv_sec && now.st_mtim.tv_nsec == read_at.st_mtim.tv_nsec)
    return;
  read_at = now;
  fault_count = 0;
  if (!(file = fopen(path, "r"))) return;
  while (fault_count < 16) {
    struct fault *f = &faults[fault_count];
    if (fscanf(file, "%39s %lx %ld %ld", f->function, &f->rv, &f->count, &f->delay) != 4) break;
    fault_count++;
  }
  fclose(file);
}

/* What the call of this function shall answer, after its delay; 0: pass it on. */
static CK_RV before(const char *function) {
  CK_RV rv = 0;
  long delay = 0;
  int i;
  pthread_mutex_lock(&lock);
  note(function);
  reread(getenv("P11FAULT_CTL"));
  for (i = 0; i < fault_count; i++) {
    struct fault *f = &faults[i];
    if ((strcmp(f->function, "*") && strcmp(f->function, function)) || f->count == 0) continue;
    if (f->count > 0) f->count--;
    rv = f->rv;
    delay = f->delay;
    break;
  }
  pthread_mutex_unlock(&lock);
  if (delay > 0) usleep(delay);
  return rv;
}

#define WRAP(name, parameters, arguments)    \
  static CK_RV my_##name parameters {        \
    CK_RV rv = before(#name);                \
    return rv ? rv : real.name arguments;    \
  }

WRAP(C_Initialize, (void *a), (a))
WRAP(C_Finalize, (void *a), (a))
WRAP(C_GetSlotList, (unsigned char a, CK_SLOT_ID *b, unsigned long *c), (a, b, c))
WRAP(C_GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO *b), (a, b))
WRAP(C_OpenSession, (CK_SLOT_ID a, CK_FLAGS b, void *c, CK_NOTIFY d, CK_SESSION_HANDLE *e), (a, b, c, d, e))
WRAP(C_CloseSession, (CK_SESSION_HANDLE a), (a))
WRAP(C_Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, unsigned char *c, unsigned long d), (a, b, c, d))
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE *b, unsigned long c), (a, b, c))
WRAP(C_SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c), (a, b, c))
WRAP(C_Sign, (CK_SESSION_HANDLE a, unsigned char *b, unsigned long c, unsigned char *d, unsigned long *e), (a, b, c, d, e))

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out) {
  if (!loaded) {
    void *module = dlopen(getenv("P11FAULT_MODULE"), RTLD_NOW | RTLD_LOCAL);
    CK_RV (*list)(CK_FUNCTION_LIST **) = module ? (CK_RV(*)(CK_FUNCTION_LIST **))dlsym(module, "C_GetFunctionList") : 0;
    CK_FUNCTION_LIST *functions;
    CK_RV rv;
    if (!list) {
      fprintf(stderr, "p11fault: %s\n", dlerror());
      return CKR_GENERAL_ERROR;
    }
    if ((rv = list(&functions))) return rv;
    real = mine = *functions;
#define USE(name) mine.name = my_##name;
    USE(C_Initialize) USE(C_Finalize) USE(C_GetSlotList) USE(C_GetTokenInfo) USE(C_OpenSession)
    USE(C_CloseSession) USE(C_Login) USE(C_FindObjectsInit) USE(C_SignInit) USE(C_Sign)
    mine.C_GetFunctionList = C_GetFunctionList;
    loaded = 1;
  }
  *out = &mine;
  return CKR_OK;
}
