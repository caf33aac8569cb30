#include "core/ip_address.h"
